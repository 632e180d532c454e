#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pool/sys/clock.h"

namespace hydrapool::loadgen {

/// A part of a load whose rate changes: from the rate before it in a straight line to its own.
struct Stage {
  double rate = 0;          ///< Requests a second at its end.
  sys::Nanos duration = 0;  ///< 0: the rate jumps.
};

/// What a request is beside its URL.
struct RequestParts {
  std::string method = "GET";
  std::vector<std::string> headers = {};  ///< "Name: value"
  std::optional<std::string> body = {};
};

using Lines = std::vector<std::string>;
using LineFiles = std::map<std::string, std::shared_ptr<const Lines>, std::less<>>;

/// What only libcurl can do.
struct Extras {
  bool http2 = false;      ///< If the server agrees; https only.
  bool follow = false;     ///< Redirects: they belong to the request, its status is the last one's.
  bool insecure = false;   ///< Certificates are not checked.
  bool cookies = false;    ///< Each connection keeps those it was given.
  std::string user = {};   ///< "user:password", where a URL has none of its own
  bool digest = false;     ///< It is proved by Digest instead of sent as Basic.
  std::string proxy = {};  ///< A URL.
  std::string ca = {};     ///< A file of certificates: who may vouch for servers, instead of the system's.
  std::string certificate = {};  ///< The client's own: a file.
  std::string key = {};          ///< A file; empty: the key is in the same one.
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

/// What to send, how often and for how long: the whole of a run, as a value.
///
///     loadgen::Plan plan{.urls = {"http://127.0.0.1:8080/"}, .rate = 500, .connections = 64};
///
/// With a rate the loop is *open*: requests are due by the clock, whatever becomes of earlier ones. Without
/// one it is *closed*: each connection's next request is due when its previous one has ended.
struct Plan {
  /// Used in turn, or as `weights` or `rates` say. At least one. "{counter}", "{random}" and
  /// "{line:FILE}" in them, in headers and in bodies are replaced (text_template.h).
  std::vector<std::string> urls = {};
  /// "user:password" of each URL; empty where it has none. Empty: none has one. They are not part of the
  /// URLs, so that whatever shows those does not show them.
  std::vector<std::string> users = {};
  std::string method = "GET";
  std::optional<std::string> body = {};
  std::vector<std::string> headers = {};  ///< "Name: value"
  std::vector<RequestParts> parts = {};   ///< Of each URL, instead of the three above. Empty: they are alike.
  LineFiles lines = {};                   ///< Of the files that "{line:FILE}" names.

  bool keep_alive = true;   ///< false: each request has a connection of its own and says `Connection: close`
  std::uint64_t reuse = 0;  ///< So many requests go over one connection, which is then closed; 0: no limit.
  Extras extras = {};

  std::optional<double> rate =
      {};                ///< Requests a second, all threads and replicas together. nullopt: closed loop.
  int connections = 10;  ///< The most connections at a time, all threads together.
  int threads = 1;       ///< At most `connections`.

  std::vector<Stage> stages = {};  ///< Open loop: rates instead of `rate`, which is then their mean.
  Saturate saturate = Saturate::kQueue;

  sys::Nanos warmup = 0;  ///< What is due in this time before `duration` is sent, not counted.
  sys::Nanos duration = 10 * sys::kSecond;  ///< Ignored where `count` is set.
  std::optional<std::uint64_t> count = {};  ///< Requests in all, of all replicas together.
  std::optional<sys::Nanos> start_at = {};  ///< Since the epoch. nullopt: at once.
  sys::Nanos timeout = 10 * sys::kSecond;   ///< For one request, from its sending to its last byte.
  sys::Nanos drain = 2 * sys::kSecond;      ///< How long requests in flight at the end are waited for.

  /// Of the rate, the stages, the count and the requests' numbers this process takes every `of`-th;
  /// `connections` are its own.
  Replica replica = {};

  std::string worker_header = "X-Worker";  ///< The response header that names the worker. Empty: none.

  std::vector<unsigned> weights =
      {};                          ///< How often each URL has its turn. Empty: each as often as the others.
  std::vector<double> rates = {};  ///< A rate for each URL; `rate` is then their sum. Empty: none has one.
  bool poisson = false;            ///< Open loop: due times at random instead of evenly spaced.
  std::uint64_t seed = 1;          ///< Of Poisson arrivals and of {random}.

  std::vector<int> expect_status = {};              ///< What is ok. Empty: below 400.
  std::optional<std::uint64_t> expect_length = {};  ///< Of each decoded body.
  std::string expect_sha256 = {};  ///< Of each decoded body, 64 small hex digits; empty: any.
  std::string expect_end = {};     ///< What each decoded body ends with.
  std::string unix_socket = {};    ///< Where to connect instead of the URLs' hosts; empty: there.
  std::string connect_to = {};     ///< The same, "HOST:PORT".
};

/// The credentials for the plan's URL number `url`; empty for none.
inline const std::string& UserOf(const Plan& plan, std::size_t url) {
  return plan.users.empty() || plan.users[url].empty() ? plan.extras.user : plan.users[url];
}

/// What the plan's request to URL number `url` is beside that.
inline RequestParts PartsOf(const Plan& plan, std::size_t url) {
  if (!plan.parts.empty()) return plan.parts[url];
  return {.method = plan.method, .headers = plan.headers, .body = plan.body};
}

}  // namespace hydrapool::loadgen
