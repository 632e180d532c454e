#include "loadgen/stats/self_check.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "loadgen/plan/units.h"

namespace hydrapool::loadgen {
namespace {

constexpr double kAchievedAtLeast = 0.99;
constexpr double kHardlyIdle = 0.90;
constexpr sys::Nanos kLongEnough = 100 * sys::kMillisecond;
constexpr sys::Nanos kShortestPause = 100 * sys::kMillisecond;

std::string CpuWords(const SelfEvidence& e) {
  auto words = std::string("this machine's CPU was the limit: ");
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
  SelfCheck check;
  std::string words;
  if (e.out_of_ports) {
    check.bottleneck = "ports";
    words = PortWords(e);
  } else if (e.out_of_descriptors) {
    check.bottleneck = "descriptors";
    words = "this process ran out of file descriptors";
  } else if (e.duration >= kLongEnough && e.busiest.busy_share() >= kHardlyIdle) {
    check.bottleneck = "cpu";
    words = CpuWords(e);
  } else if (e.open_loop && e.worst_own_lag >= std::max(kShortestPause, e.duration / 100)) {
    check.bottleneck = "paused";
    words = fmt::format("the generator itself did not run for {:.3f} s", sys::ToSeconds(e.worst_own_lag));
  } else if (e.open_loop && e.achieved < kAchievedAtLeast) {
    check.bottleneck = "connections";
    words = "all connections were busy: the server was the limit, or -c";
  }
  if (words.empty()) return check;
  const bool missed = e.open_loop && e.achieved < kAchievedAtLeast;
  check.valid = !missed || check.bottleneck == "connections";
  check.reason =
      missed ? fmt::format("only {:.1f} % of the schedule was sent in time; {}", 100 * e.achieved, words)
             : words;
  return check;
}

}  // namespace hydrapool::loadgen
