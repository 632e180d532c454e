#include "loadgen/stats/self_check.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include "loadgen/plan/figures.h"

namespace hydrapool::loadgen {
namespace {

constexpr double kAchievedAtLeast = 0.99;
constexpr double kHardlyIdle = 0.90;
constexpr sys::Nanos kLongEnough = 100 * sys::kMillisecond;
constexpr double kAllCores = 0.97;
constexpr sys::Nanos kShortestPause = 100 * sys::kMillisecond;
constexpr sys::Nanos kLongPause = sys::kSecond;

std::string CpuWords(const SelfEvidence& e) {
  const auto* what = e.busiest.busy_share() >= kHardlyIdle ? "the limit" : "full";
  auto words = fmt::format("this machine's CPU was {}: ", what);
  if (e.machine_cpu > 0 && e.cores > 0 && e.duration > 0) {
    words += fmt::format("{:.0f} % of {} core{}, {:.0f} % of them for loadgen; ", 100 * e.machine_cpu,
                         e.cores, e.cores == 1 ? "" : "s",
                         100 * sys::ToSeconds(e.cpu) / (sys::ToSeconds(e.duration) * e.cores));
  }
  words += fmt::format("its busiest thread ran {:.0f} % of the time and waited {:.0f} % for a core",
                       100 * e.busiest.cpu_share(), 100 * e.busiest.run_queue_share());
  if (e.open_loop)
    words += fmt::format("; lag p99 {}", FormatMicros(static_cast<double>(e.lag_p99) / sys::kMicrosecond));
  return words;
}

std::string PortWords(const SelfEvidence& e) {
  return fmt::format(
      "this machine ran out of local ports{}: keep connections alive, or load from several addresses or "
      "machines",
      e.port_range.empty() ? "" : " (" + e.port_range + ")");
}

struct Finding {
  std::string bottleneck;
  std::string words;
  bool own_fault = true;
};

std::vector<Finding> Findings(const SelfEvidence& e) {
  std::vector<Finding> all;
  const bool long_enough = e.duration >= kLongEnough;
  if (e.out_of_ports) all.push_back({"ports", PortWords(e)});
  if (e.out_of_descriptors) all.push_back({"descriptors", "this process ran out of file descriptors"});
  const bool busy = long_enough && e.busiest.busy_share() >= kHardlyIdle;
  const bool full = long_enough && !busy && e.machine_cpu >= kAllCores;
  const bool full_and_late = full && e.worst_own_lag >= kShortestPause;
  if (busy) all.push_back({"cpu", CpuWords(e)});
  const auto stood_still = std::max(e.open_loop ? e.worst_own_lag : 0, e.longest_pause);
  if (stood_still >= std::clamp(e.duration / 100, kShortestPause, kLongPause))
    all.push_back({"paused", fmt::format("the generator itself did not run for {:.3f} s",
                                         sys::ToSeconds(stood_still))});
  if (e.open_loop && e.achieved < kAchievedAtLeast && all.empty() && !full_and_late)
    all.push_back({"connections", "all connections were busy: the server was the limit, or -c", false});
  if (full) all.push_back({"machine", CpuWords(e), full_and_late});
  return all;
}

}  // namespace

CpuUse ThreadCpuUse() {
  CpuUse use;
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  use.cpu = t.tv_sec * sys::kSecond + t.tv_nsec;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/thread-self/schedstat", "re"),
                                                             &std::fclose);
  long long ran = 0;
  long long waited = 0;
  if (file && std::fscanf(file.get(), "%lld %lld", &ran, &waited) == 2) use.run_queue = waited;
  return use;
}

sys::Nanos ProcessCpu() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * sys::kSecond + t.tv_nsec;
}

std::uint64_t PeakMemory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

SelfCheck CheckSelf(const SelfEvidence& e) {
  const auto findings = Findings(e);
  if (findings.empty()) return {};
  SelfCheck check{.bottleneck = findings.front().bottleneck};
  const bool missed = e.open_loop && e.achieved < kAchievedAtLeast;
  const bool never_left = e.never_left > 1 - kAchievedAtLeast;
  check.valid = !never_left && (!missed || std::ranges::none_of(findings, &Finding::own_fault));
  if (missed)
    check.reason = fmt::format("only {:.1f} % of the schedule was sent in time; ", 100 * e.achieved);
  if (never_left) check.reason += fmt::format("{:.1f} % of it never left this machine; ", 100 * e.never_left);
  for (const auto& finding : findings)
    check.reason += (&finding == &findings.front() ? "" : "; ") + finding.words;
  return check;
}

}  // namespace hydrapool::loadgen
