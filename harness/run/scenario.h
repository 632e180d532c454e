#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "harness/echo/echo_request.h"
#include "harness/echo/flood.h"
#include "harness/fault/fault.h"
#include "harness/fault/fault_schedule.h"
#include "harness/fault/injector.h"
#include "harness/verdict/expectations.h"
#include "pool/sys/clock.h"
#include "pool/sys/error.h"

namespace hydrapool::harness {

struct HydrapoolStart {
  int workers = 4;
  std::string cgi_dir = {};  ///< Relative to the file, or else to the directory above the programs.
  std::vector<std::string> flags = {};
};
struct CommandStart {
  std::vector<std::string> arguments;
  std::string url;
};
struct Attachment {
  pid_t parent = 0;
  std::string url;
  std::string admin = {};
};
/// Who asks.
enum class Client {
  kLoadgen,  ///< loadgen: rates and latencies. libcurl looks whether a connection has ended before it uses it
             ///< again.
  kPlain,  ///< A closed loop that asks again at once on the same connection, without looking: what wrk does,
           ///< and so it loses what wrk loses.
};
struct LoadPlan {
  std::string url = "/";  ///< A path at the server, or whole.
  std::optional<double> rate = {};
  int connections = 10;
  bool keep_alive = true;
  Client client = Client::kLoadgen;
};
/// Without `every` it comes once, at `from`; else at from, from + every, … up to `to` or `count` times.
/// What is held lasts for `hold`.
struct FaultPlan {
  Fault fault = Fault::kKill;
  Target target = Target::kRandom;  ///< Unless named, DefaultTarget(fault).
  std::optional<sys::Nanos> every = {};
  sys::Nanos from = 0;
  std::optional<sys::Nanos> to = {};  ///< Not beyond the duration.
  std::optional<std::uint64_t> count = {};
  sys::Nanos hold = sys::kSecond;
};
/// What must hold of the server all the time: some request was answered within the last `within`. Else the
/// run is aborted at once.
struct SteadyPlan {
  std::string url = "/";  ///< A path at the server, or whole.
  sys::Nanos within = sys::kSecond;
};
struct EchoLoad {
  int connections = 16;
  sys::Nanos pause = 20 * sys::kMillisecond;
  std::string path = "/";
  std::size_t pipeline = 1;
  EchoMix mix = {};
  std::vector<FloodKind> floods = {};
};

/// A run to be made, and what must hold of it:
///
///     name: kill-storm
///     proves: a killed worker costs its clients nothing
///     start: { hydrapool: { workers: 4, cgi_dir: cgi-bin, flags: [--balance, round-robin] } }
///                     # or  start: { command: [nginx, -c, /tmp/n.conf], url: http://127.0.0.1:8080 }
///                     #     commands: { reload: [nginx, -c, /tmp/n.conf, -s, reload] }
///                     # or  attach: { parent: 4711, url: http://…, admin: 127.0.0.1:9180 }
///     load:
///       - { url: /, rate: 2000, connections: 64 }       # without a rate: a closed loop
///       - { url: /, connections: 64, client: plain }  # or loadgen, the default
///     echo: { connections: 16, pause: 20ms }            # requests with ids; or  echo: off
///                     # or  echo: { path: /cgi-bin/echo, body_sizes: [0, 1, 65537], chunked: 0.2, bytewise:
///                     0.1, #             reset_within: 100000, pipeline: 4, flood: [pipe, chunks] }
///     idle: 16                                          # connections that rest from the first second on
///     faults:
///       - { fault: kill, target: random, every: 50ms, from: 1s, to: 9s }
///       - { fault: stop, target: slot=2, for: 500ms, from: 4s }     # held for a time, then taken back
///       - { fault: reload, every: 2s, from: 1s }          # of the whole server
///     limits: { min_alive: 1, faults: 500 }             # workers left alone; blows in all
///     steady: { url: /, within: 1s }                    # else the run is aborted
///     duration: 10s
///     seed: 7
///     expect: { lost: 0, cut: 0, unexplained: 0, idle_lost: 0, recovery_p99: 50ms }
struct Scenario {
  std::string file = {};
  std::string name = {};
  std::string proves = {};
  std::variant<HydrapoolStart, CommandStart, Attachment> server = {};
  std::vector<LoadPlan> load = {};
  std::optional<EchoLoad> echo = EchoLoad{};  ///< Only where the server is hydrapool (started, or with
                                              ///< `admin`) and / is loaded or path named.
  int idle = 16;
  std::vector<FaultPlan> faults = {};
  Commands commands = {};    ///< The server's own, for what renews it.
  InjectLimits limits = {};  ///< any_user is on for a command: its children are the harness's own.
  std::optional<SteadyPlan> steady = {};
  sys::Nanos duration = 10 * sys::kSecond;
  std::optional<std::uint64_t> seed = {};
  Expectations expect = DefaultExpectations();

  /// Any fault lasts for a time.
  [[nodiscard]] bool holds() const;
  /// Whether requests with ids are asked beside the load.
  [[nodiscard]] bool echoes() const;
};

/// Reads a scenario. An Error is "FILE:LINE: what is wrong and what was probably meant". Pure: opens nothing.
[[nodiscard]] sys::Result<Scenario> ParseScenario(const std::string& text, const std::string& file);

/// The schedule of the i-th fault plan, whose first fault is one period after its start: begin it at
/// `ScheduleStart`. Each plan draws from a seed of its own.
[[nodiscard]] ScheduleSpec ScheduleOf(const Scenario& scenario, std::size_t i, std::uint64_t seed);
[[nodiscard]] sys::Nanos ScheduleStart(const Scenario& scenario, std::size_t i);
/// All faults that a run with this seed has, in the order of their times since the start, numbered so. Pure.
[[nodiscard]] std::vector<PlannedFault> FaultsOf(const Scenario& scenario, std::uint64_t seed);

}  // namespace hydrapool::harness
