#pragma once

#include <cstdint>
#include <string>

#include "pool/sys/clock.h"

namespace hydrapool::loadgen {

/// What a thread, or all of them, took of this machine.
struct CpuUse {
  sys::Nanos cpu = 0;        ///< ran
  sys::Nanos run_queue = 0;  ///< was ready to run and waited for a core; 0 where the kernel does not say
  sys::Nanos wall = 0;

  [[nodiscard]] double cpu_share() const { return Share(cpu); }
  [[nodiscard]] double run_queue_share() const { return Share(run_queue); }
  /// Ready to run, on a core or not.
  [[nodiscard]] double busy_share() const { return Share(cpu + run_queue); }

 private:
  [[nodiscard]] double Share(sys::Nanos part) const {
    return wall > 0 ? static_cast<double>(part) / static_cast<double>(wall) : 0;
  }
};

/// The calling thread's use since it was started; `wall` is left 0. (/proc/thread-self/schedstat,
/// CLOCK_THREAD_CPUTIME_ID.)
CpuUse ThreadCpuUse();

/// The CPU time of this process and all its threads.
sys::Nanos ProcessCpu();

/// How many bytes of this process were in memory at most.
std::uint64_t PeakMemory();

/// What a run knows about its own part in the result.
struct SelfEvidence {
  bool open_loop = false;
  double achieved = 1;    ///< Share of the schedule that was sent in time.
  double never_left = 0;  ///< Share of what was sent that had no local port or no descriptor.
  CpuUse busiest = {};    ///< The thread that was ready to run for the largest share of its time.
  sys::Nanos duration = 0;
  /// The longest a request waited although it was due and a connection was free.
  sys::Nanos worst_own_lag = 0;
  sys::Nanos longest_pause = 0;  ///< For how long a thread did not run at all.
  sys::Nanos lag_p99 = 0;
  bool out_of_ports = false;
  bool out_of_descriptors = false;
  std::string port_range = {};  ///< "32768 to 60999"; empty: not known.
  double machine_cpu = 0;       ///< Share of all cores that all programs took; 0: not known.
  sys::Nanos cpu = 0;           ///< Of this process.
  int cores = 0;
};

/// "Was it me?"
struct SelfCheck {
  /// What held the generator back: "ports", "descriptors", "cpu" (a thread was hardly ever idle), "paused"
  /// (it did not run at all for a while), "connections" (all of them were busy: the server or -c was the
  /// limit), "machine" (all cores were busy, with whatever), "none". The first of these that is true.
  std::string bottleneck = "none";
  /// false: an open loop missed its schedule by the generator's own fault, or more than one request in a
  /// hundred never left this machine.
  bool valid = true;
  /// In words: why it is not valid, or what to be wary of; empty where there is nothing to say.
  std::string reason = {};
};

/// Judges. Pure. Of a run of less than a tenth of a second nothing is said about the CPU: the kernel's
/// counters are coarser than that.
SelfCheck CheckSelf(const SelfEvidence& evidence);

}  // namespace hydrapool::loadgen
