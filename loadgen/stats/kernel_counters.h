#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pool/sys/clock.h"

namespace hydrapool::loadgen {

/// What the kernel has counted in this network namespace and on this machine: read before and after a run,
/// the difference says what went on around it. Other programs' traffic is in it too.
struct KernelCounters {
  std::uint64_t retransmits = 0;  ///< TCP segments sent again (Tcp: RetransSegs)
  std::uint64_t accept_overflows =
      0;                        ///< Connections that found a listener's queue full (TcpExt: ListenOverflows)
  std::uint64_t syn_drops = 0;  ///< SYNs that were dropped (TcpExt: ListenDrops, less the former)
  sys::Nanos machine_busy = 0;  ///< CPU time of all processes (/proc/stat, in ticks)
  sys::Nanos machine_all = 0;   ///< and of all cores, idle ones included

  [[nodiscard]] KernelCounters Since(const KernelCounters& before) const;
  void Merge(const KernelCounters& other);
  /// 0 to 1; 0 where nothing was counted.
  [[nodiscard]] double busy_share() const;
};

/// From the texts of /proc/net/snmp, /proc/net/netstat and /proc/stat. What is not there is 0. Pure.
[[nodiscard]] KernelCounters ParseKernelCounters(std::string_view snmp, std::string_view netstat,
                                                 std::string_view stat, long ticks_per_second);

/// Now.
[[nodiscard]] KernelCounters ReadKernelCounters();

/// How many local ports connections to one address can have (/proc/sys/net/ipv4/ip_local_port_range); "32768
/// to 60999". Empty where it cannot be read.
[[nodiscard]] std::string LocalPortRange();

}  // namespace hydrapool::loadgen
