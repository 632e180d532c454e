#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/echo/echo_connection.h"
#include "harness/echo/echo_ledger.h"
#include "pool/sys/clock.h"
#include "pool/sys/error.h"
#include "pool/sys/event_loop.h"

namespace hydrapool::harness {

/// Watches that a server still serves while it is hurt: some request was answered (below 400) within the last
/// `within`. Asks on a new connection every 50 ms, whether earlier ones are answered or not, so one that
/// waits for a frozen worker says nothing of the others.
///
///     SteadyState steady(loop, plan, sys::kSecond, [&](const std::string& why) { run.Abort(why); });
///
/// `on_breach` is called once, when the time is over. The first `within` begins with this object. A time in
/// which this process itself did not run does not count. One thread.
class SteadyState {
 public:
  using OnBreach = std::function<void(const std::string& why)>;

  /// `plan`: the address, host and path to ask.
  SteadyState(sys::EventLoop& loop, EchoPlan plan, sys::Nanos within, OnBreach on_breach);
  /// The longest time so far in which no request was answered, seen every 50 ms; one that lasts still counts.
  [[nodiscard]] sys::Nanos longest_gap() const { return std::max(longest_gap_, sys::Now() - last_answer_); }

 private:
  void Ask();
  void Look();

  sys::EventLoop& loop_;
  EchoPlan plan_;
  sys::Nanos within_;
  OnBreach on_breach_;
  EchoLedger ledger_;
  EchoRequests requests_;
  std::vector<std::unique_ptr<EchoConnection>> connections_;
  std::size_t next_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t refused_ = 0;  ///< By an error status, when one was last answered.
  sys::Nanos last_answer_ = 0;
  sys::Nanos longest_gap_ = 0;  ///< That has ended.
  sys::Nanos due_ = 0;          ///< Of the next request.
  sys::EventLoop::Timer ask_;
};

/// The plan of a client of `url`, "http://host[:port][/path]", whose name is looked up now.
[[nodiscard]] sys::Result<EchoPlan> PlanFor(const std::string& url);

}  // namespace hydrapool::harness
