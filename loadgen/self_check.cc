#include "loadgen/self_check.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <memory>

namespace loadgen {
namespace {

constexpr double kAchievedAtLeast = 0.99;
constexpr double kHardlyIdle = 0.90;
constexpr sys::Nanos kShortestPause = 100 * sys::kMillisecond;

std::string CpuWords(const CpuUse& use) {
  return fmt::format(
      "this machine's CPU was the limit: the busiest thread ran "
      "{:.0f} % of the time and waited {:.0f} % for "
      "a core",
      100 * use.cpu_share(), 100 * use.run_queue_share());
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

SelfCheck CheckSelf(const SelfEvidence& e) {
  SelfCheck check;
  std::string words;
  if (e.out_of_ports) {
    check.bottleneck = "ports";
    words = "this machine ran out of local ports";
  } else if (e.out_of_descriptors) {
    check.bottleneck = "descriptors";
    words = "this process ran out of file descriptors";
  } else if (e.busiest.busy_share() >= kHardlyIdle) {
    check.bottleneck = "cpu";
    words = CpuWords(e.busiest);
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

}  // namespace loadgen
