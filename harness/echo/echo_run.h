#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/echo/echo_connection.h"
#include "harness/echo/echo_ledger.h"
#include "harness/echo/flood.h"
#include "pool/sys/error.h"
#include "pool/sys/event_loop.h"

namespace hydrapool::harness {

struct EchoOptions {
  EchoPlan plan;
  std::size_t connections = 64;
  sys::Nanos duration = 10 * sys::kSecond;
  std::uint64_t times =
      0;  ///< Not 0: instead of running for a time, open all connections at once, so many times.
  sys::Nanos answer_within = 5 * sys::kSecond;  ///< How long answers are awaited after the last request.
  std::vector<FloodKind> floods = {};           ///< Beside them, for that duration; not with times.
  /// A server that ends each connection as soon as it has answered is asked again ever more seldom, at last
  /// once a second: for connections that are there to rest.
  bool spares = false;
};

struct EchoResult {
  EchoCounts counts;
  std::vector<EchoFailure> failures;
  std::uint64_t connections = 0;        ///< Opened.
  std::uint64_t answered = 0;           ///< Those of them that had an answer.
  UnkeptFailures unkept_failures = {};  ///< Beyond those in `failures`.
  std::uint64_t unkept =
      0;  ///< Connections that the server ended of its own will as soon as it had answered.
  std::uint64_t after_one = 0;  ///< Those that it ended in the middle of their second request, unannounced.
  FloodCounts flood = {};
  std::uint64_t unclosed = 0;  ///< Bursts only: all was answered, but the server did not close when asked to.
  sys::Nanos elapsed = 0;
};

/// The exactly-once check: asks for unique ids over many connections and accounts for every answer.
///
///     sys::EventLoop loop;
///     EchoRun run(loop, options);
///     const EchoResult result = run.Run();
///     if (!result.counts.exact()) ...
///
/// Steady: each connection that ends is opened again until the duration is over; then answers are awaited,
/// and for a moment longer, so that a second answer is seen. Bursts: all connections are opened at once, with
/// one request each; the next burst starts when the server has answered and closed all of them, or at the
/// deadline.
///
/// One thread; more than 100,000 requests/s on one core.
class EchoRun {
 public:
  EchoRun(sys::EventLoop& loop, EchoOptions options);

  /// Returns when it is over. Once.
  EchoResult Run();
  /// No more requests; answers are awaited still. From a callback of the loop.
  void Stop() { stopped_ = true; }

 private:
  void RunSteadily();
  void RunBursts();
  void OpenAll();
  void OnEnd(EchoConnection& connection);
  void Abandon(EchoConnection& connection);
  /// Lets the loop run until `done` or the deadline.
  template <typename Condition>
  void RunUntil(sys::Nanos deadline, Condition done);
  [[nodiscard]] bool AnyWaiting() const;

  sys::EventLoop& loop_;
  EchoOptions options_;
  EchoLedger ledger_;
  EchoRequests requests_;
  std::vector<std::unique_ptr<EchoConnection>> connections_;
  EchoResult result_;
  std::size_t open_ = 0;
  bool stopped_ = false;
  bool reopening_ = false;
};

/// The address of "HOST:PORT", whose host may be a name, or of "unix:/PATH" for a plan.
[[nodiscard]] sys::Result<void> Resolve(const std::string& host_port, EchoPlan& plan);

[[nodiscard]] std::string EchoText(const EchoOptions& options, const EchoResult& result);
[[nodiscard]] std::string EchoJson(const EchoOptions& options, const EchoResult& result);

}  // namespace hydrapool::harness
