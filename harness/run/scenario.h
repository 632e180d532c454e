#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
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
  int cgi_line = 0;          ///< Where the file says so.
  std::vector<std::string> flags = {};
};
struct CommandStart {
  std::vector<std::string> arguments;
  std::string url;
  std::string admin = {};                         ///< Of one that serves hydrapool's /status.json; or empty.
  std::map<std::string, std::string> files = {};  ///< By name: written into WORK before it is started.
};
struct Attachment {
  pid_t parent = 0;
  std::string url;
  std::string admin = {};
  int line = 0;  ///< Where the file says so; 0: it stands in none.
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
/// Without `every` it comes once, at `from`; else at from, from + every, … up to `to` or `count` times; with
/// pace poisson at times of that mean distance from `from` on; or each so many requests, counted from `from`.
/// What is held lasts for `hold`.
struct FaultPlan {
  Fault fault = Fault::kKill;
  Target target = Target::kRandom;  ///< Unless named, DefaultTarget(fault).
  std::optional<sys::Nanos> every = {};
  sys::Nanos from = 0;
  std::optional<sys::Nanos> to = {};  ///< Not beyond the duration.
  std::optional<std::uint64_t> count = {};
  sys::Nanos hold = sys::kSecond;
  Trigger trigger = {};
  std::optional<NetworkHarm> network = {};  ///< `how`, of the fault `network`.
  int line = 0;                             ///< In the file, from 1.
};
/// The file system that can be filled: one of that size that the harness makes, whose directory stands for
/// DISK in the server's flags or command; or the one of a directory that is there.
struct DiskPlan {
  std::uint64_t bytes = 0;
  std::string directory = {};
  [[nodiscard]] bool is_named() const { return bytes > 0 || !directory.empty(); }
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
  bool asked_for = false;   ///< The path was named: then also of a server that is not ours.
  std::string ledger = {};  ///< The file to which the server writes the id of each request that it executes.
  std::size_t pipeline = 1;
  bool half_close = false;  ///< Each 10th request of a connection is its last, and ends its sending side.
  std::int64_t slow_reader = 0;  ///< Bytes a second that a connection reads; 0: as they come.
  EchoMix mix = {};
  std::vector<FloodKind> floods = {};
};

/// A run to be made, and what must hold of it. In what the server is started with, its files, its commands
/// and the ledger, WORK stands for a directory that is removed after the run, PORT for a port that is free,
/// DISK for the directory that can be filled:
///
///     name: kill-storm
///     proves: a killed worker costs its clients nothing
///     start: { hydrapool: { workers: 4, cgi_dir: cgi-bin, flags: [--balance, round-robin] } }
///                     # or  start: { command: [nginx, -c, /tmp/n.conf], url: http://127.0.0.1:8080 }
///                     #     commands: { reload: [nginx, -c, /tmp/n.conf, -s, reload] }
///                     # or  start: { command: [nginx, -c, WORK/n.conf], url: 'http://127.0.0.1:PORT/',
///                     #              files: { n.conf: 'daemon off; …' } }
///                     # or  attach: { parent: 4711, url: http://…, admin: 127.0.0.1:9180 }
///     load:
///       - { url: /, rate: 2000, connections: 64 }       # without a rate: a closed loop
///       - { url: /, connections: 64, client: plain }  # or loadgen, the default
///     echo: { connections: 16, pause: 20ms }            # requests with ids; or  echo: off
///                     # or  echo: { path: /cgi-bin/echo, body_sizes: [0, 1, 65537], chunked: 0.2,
///                     #     bytewise: 0.1, reset_within: 100000, pipeline: 4, flood: [pipe, chunks],
///                     #     half_close: true }          # or slow_reader: 20kb, without a pause
///     idle: 16                                          # connections that rest from the first second on
///     faults:
///       - { fault: kill, target: random, every: 50ms, from: 1s, to: 9s }
///       - { fault: stop, target: slot=2, for: 500ms, from: 4s }     # held for a time, then taken back
///       - { fault: kill, target: random, every: 200ms, pace: poisson }     # 200ms apart on average
///       - { fault: kill, target: random, requests: 5000, count: 9 }    # each time it has executed so many
///       - { fault: kill, target: random, every: 1s, phase: executing }   # one that executes a request then
///       - { fault: kill, target: random, every: 1s, phase: responding, exact: true }   # see trap.h
///       - { fault: kill, target: cgi-of=0, every: 1s }      # a program that slot 0 runs
///       - { fault: reload, every: 2s, from: 1s }          # of the whole server
///       - { fault: network, how: loss 5%, every: 2s, for: 1s }      # the run has a network of its own then
///       - { fault: full-disk, from: 3s, for: 1s }           # needs  disk:
///     disk: 8mb                                         # or a directory that is a file system of its own
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
  std::optional<EchoLoad> echo = EchoLoad{};  ///< Where the server is hydrapool (started, or with `admin`)
                                              ///< and / is loaded, or a path is named.
  int idle = 16;
  std::vector<FaultPlan> faults = {};
  Commands commands = {};       ///< The server's own, for what renews it.
  std::string failpoints = {};  ///< What hydrapool gets as HYDRAPOOL_FAILPOINTS beside this process's own.
  DiskPlan disk = {};           ///< For the fault `full-disk`.
  InjectLimits limits = {};     ///< any_user is on for a command: its children are the harness's own.
  std::optional<SteadyPlan> steady = {};
  sys::Nanos duration = 10 * sys::kSecond;
  std::optional<std::uint64_t> seed = {};
  Expectations expect = DefaultExpectations();

  /// Any fault lasts for a time, or is taken back in another way: there must be a guard.
  [[nodiscard]] bool holds() const;
  /// It has an admin endpoint that tells its processes.
  [[nodiscard]] bool is_hydrapool() const;
  /// Whether requests with ids are asked beside the load.
  [[nodiscard]] bool echoes() const;
};

/// What the words stand for.
struct Place {
  std::string work;
  std::string port;
  std::string disk;
};
/// `scenario` with the words replaced. Pure.
[[nodiscard]] Scenario At(const Place& place, Scenario scenario);

/// Reads a scenario. An Error is "FILE:LINE: what is wrong and what was probably meant". Pure: opens nothing.
[[nodiscard]] sys::Result<Scenario> ParseScenario(const std::string& text, const std::string& file);

/// The schedule of the i-th fault plan, whose first fault is one period after its start: begin it at
/// `ScheduleStart`. Each plan draws from a seed of its own.
[[nodiscard]] ScheduleSpec ScheduleOf(const Scenario& scenario, std::size_t i, std::uint64_t seed);
[[nodiscard]] sys::Nanos ScheduleStart(const Scenario& scenario, std::size_t i);
/// All faults that a run with this seed has, in the order of their times since the start, numbered so. Pure.
[[nodiscard]] std::vector<PlannedFault> FaultsOf(const Scenario& scenario, std::uint64_t seed);

}  // namespace hydrapool::harness
