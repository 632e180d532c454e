#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/plan/body.h"
#include "loadgen/plan/wire_tap.h"
#include "pool/sys/clock.h"

namespace hydrapool::loadgen {

/// A part of a load whose rate changes: from the rate before it in a straight line to its own.
struct Stage {
  double rate = 0;          ///< Requests a second at its end.
  sys::Nanos duration = 0;  ///< 0: the rate jumps.
};

using Lines = std::vector<std::string>;
using LineFiles = std::map<std::string, std::shared_ptr<const Lines>, std::less<>>;

/// What is asked for, and how often in comparison with other targets. "{counter}", "{random}" and
/// "{line:FILE}" in it are replaced (text_template.h).
struct Target {
  std::string url = {};
  std::string name = {};  ///< What it is called in reports and objectives; empty: as its URL.
  /// "user:password"; empty: the wire's. No part of the URL, so that whatever shows that does not show it.
  std::string user = {};
  std::string method = "GET";
  std::vector<std::string> headers = {};  ///< "Name: value"
  Body body = {};
  unsigned weight = 1;              ///< Turns, where none has a rate.
  std::optional<double> rate = {};  ///< Requests a second. Either all targets have one or none has.
};

/// What the raw engine cannot do.
struct Extras {
  bool http2 = false;      ///< With libcurl if the server agrees, https only.
  bool follow = false;     ///< Redirects: they belong to the request, its status is the last one's.
  bool insecure = false;   ///< Certificates are not checked.
  bool cookies = false;    ///< Each connection keeps those it was given.
  std::string user = {};   ///< "user:password", where a URL has none of its own
  bool resume = false;     ///< TLS sessions: a new connection may take up an earlier one's.
  bool digest = false;     ///< It is proved by Digest instead of sent as Basic.
  std::string proxy = {};  ///< A URL.
  std::string ca = {};     ///< A file of certificates: who may vouch for servers, instead of the system's.
  std::string certificate = {};  ///< The client's own: a file.
  std::string key = {};          ///< A file; empty: the key is in the same one.
  std::uint64_t limit_rate = 0;  ///< Bytes a second of each request and of each response; 0: no limit.
};

/// Which part of a run this process is, where several make one together.
struct Replica {
  int index = 0;  ///< From 0.
  int of = 1;
};

/// What becomes of a request of an open loop that is due while all connections are busy.
enum class Saturate {
  kQueue,  ///< It waits for one, and its latency counts from when it was due.
  kOpen,   ///< It gets a further one, as far as descriptors go.
  kDrop,   ///< It is not sent.
};

struct Replay;

/// When requests are due.
///
/// With a rate the loop is *open*: requests are due by the clock, whatever becomes of earlier ones. Without
/// one it is *closed*: each connection's next request is due when its previous one has ended.
struct Arrivals {
  /// Requests a second, all threads and replicas together: the targets' own in sum, where they have some.
  std::optional<double> rate = {};
  std::vector<Stage> stages = {};  ///< Open loop: rates instead of `rate`, which is then their mean.
  /// Open loop: when the requests of a log are due, and which they are (replay.h), at `rate` on average.
  std::shared_ptr<const Replay> replay = {};
  bool poisson = false;  ///< Open loop: due times at random instead of evenly spaced.
  Saturate saturate = Saturate::kQueue;
  sys::Nanos warmup = 0;  ///< What is due in this time before `duration` is sent, not counted.
  sys::Nanos duration = 10 * sys::kSecond;  ///< Ignored where `count` is set.
  sys::Nanos ramp = 0;  ///< So long it takes until all connections are used: one more at a time, evenly.
  std::optional<std::uint64_t> count = {};  ///< Requests in all, of all replicas together.
  std::optional<sys::Nanos> start_at = {};  ///< Since the epoch. nullopt: at once.
};

class HostWatch;

/// How requests travel.
struct Wire {
  bool keep_alive = true;   ///< false: each request has a connection of its own and says `Connection: close`
  int streams = 1;          ///< HTTP/2: so many requests at a time on each connection.
  std::uint64_t reuse = 0;  ///< So many requests go over one connection, which is then closed; 0: no limit.
  sys::Nanos timeout = 10 * sys::kSecond;  ///< For one request, from its sending to its last byte.
  sys::Nanos connect_timeout = 0;          ///< For its connection, with TLS; 0: the timeout.
  sys::Nanos drain = 2 * sys::kSecond;     ///< How long requests in flight at the end are waited for.
  std::string unix_socket = {};            ///< Where to connect instead of the URLs' hosts; empty: there.
  std::string connect_to = {};             ///< The same, "HOST:PORT".
  std::vector<std::string> resolve =
      {};                              ///< "HOST:PORT:ADDRESS[,ADDRESS]": instead of the resolver's answer.
  std::vector<std::string> bind = {};  ///< IP addresses of this machine that connections come from, in turn.
  sys::Nanos resolve_every = 0;        ///< So often the resolver is asked again; 0: never.
  const HostWatch* hosts = nullptr;  ///< Knows the hosts' new addresses; of resolve_every where that is set.
  bool path_as_is = false;           ///< "/../" and "/./" stay in URLs.
  Extras extras = {};
  WireTap* tap = nullptr;  ///< Is shown what goes over the wire; null: nobody is.
};

/// What a response must be to be ok.
struct Expectation {
  std::vector<int> status = {};              ///< Empty: below 400.
  std::optional<std::uint64_t> length = {};  ///< Of each decoded body.
  std::string sha256 = {};                   ///< Of each decoded body, 64 small hex digits; empty: any.
  std::string end = {};                      ///< What each decoded body ends with.
};

struct Scenario;

/// A whole run as a value: what to send, when, how, and what is to come back.
///
///     loadgen::Plan plan{.targets = {{.url = "http://127.0.0.1:8080/"}}, .arrivals = {.rate = 500}};
struct Plan {
  std::vector<Target> targets =
      {};  ///< At least one; with a scenario its requests, in the order of the file.
  /// Sessions of several requests (scenario.h); null: each request stands alone.
  std::shared_ptr<const Scenario> scenario = {};
  LineFiles lines = {};  ///< Of the files that "{line:FILE}" names.
  Arrivals arrivals = {};
  Wire wire = {};
  Expectation expect = {};
  int connections = 10;  ///< The most connections at a time, all threads together.
  int threads = 1;       ///< At most `connections`.
  /// Of the rate, the stages, the count and the requests' numbers this process takes every `of`-th;
  /// `connections` are its own.
  Replica replica = {};
  std::string worker_header = "X-Worker";  ///< The response header that names the worker. Empty: none.
  std::uint64_t seed = 1;                  ///< Of Poisson arrivals and of {random}.
};

/// The credentials for a target of the plan; empty for none.
inline const std::string& UserOf(const Plan& plan, const Target& target) {
  return target.user.empty() ? plan.wire.extras.user : target.user;
}

inline std::vector<std::string> UrlsOf(const Plan& plan) {
  std::vector<std::string> urls;
  for (const auto& target : plan.targets) urls.push_back(target.url);
  return urls;
}

/// The method of its requests; empty where they differ.
inline std::string MethodOf(const Plan& plan) {
  std::string method = plan.targets.empty() ? "" : plan.targets.front().method;
  for (const auto& target : plan.targets) method = target.method == method ? method : "";
  return method;
}

/// The targets have rates of their own.
inline bool HasRates(const Plan& plan) { return !plan.targets.empty() && plan.targets.front().rate; }

}  // namespace hydrapool::loadgen
