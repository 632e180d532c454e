#include "loadgen/stats/kernel_counters.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <vector>

#include "pool/sys/file.h"

namespace hydrapool::loadgen {
namespace {

std::vector<std::string> Words(std::string_view line) {
  std::istringstream in{std::string(line)};
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

/// The value under a name in a table of two lines that begin with `table`: names, then values.
std::uint64_t Value(std::string_view text, std::string_view table, std::string_view name) {
  std::istringstream lines{std::string(text)};
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(table)) continue;
    const auto words = Words(line);
    if (names.empty()) {
      names = words;
      continue;
    }
    const auto column = static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
    return column < words.size() ? std::strtoull(words[column].c_str(), nullptr, 10) : 0;
  }
  return 0;
}

sys::Nanos TicksToNanos(std::uint64_t ticks, long per_second) {
  return static_cast<sys::Nanos>(ticks) * (sys::kSecond / std::max(per_second, 1L));
}

std::uint64_t Less(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

}  // namespace

KernelCounters KernelCounters::Since(const KernelCounters& before) const {
  return {.retransmits = Less(retransmits, before.retransmits),
          .accept_overflows = Less(accept_overflows, before.accept_overflows),
          .syn_drops = Less(syn_drops, before.syn_drops),
          .machine_busy = machine_busy - before.machine_busy,
          .machine_all = machine_all - before.machine_all};
}

void KernelCounters::Merge(const KernelCounters& other) {
  retransmits += other.retransmits;
  accept_overflows += other.accept_overflows;
  syn_drops += other.syn_drops;
  machine_busy += other.machine_busy;
  machine_all += other.machine_all;
}

double KernelCounters::busy_share() const {
  return machine_all > 0 ? static_cast<double>(machine_busy) / static_cast<double>(machine_all) : 0;
}

KernelCounters ParseKernelCounters(std::string_view snmp, std::string_view netstat, std::string_view stat,
                                   long ticks_per_second) {
  KernelCounters counters{.retransmits = Value(snmp, "Tcp:", "RetransSegs"),
                          .accept_overflows = Value(netstat, "TcpExt:", "ListenOverflows")};
  counters.syn_drops = Less(Value(netstat, "TcpExt:", "ListenDrops"), counters.accept_overflows);
  const auto cpu = Words(stat.substr(0, stat.find('\n')));
  constexpr std::size_t kIdle = 4;
  constexpr std::size_t kIoWait = 5;
  constexpr std::size_t kSteal = 8;  // what follows is counted in others already
  for (std::size_t i = 1; i < std::min(cpu.size(), kSteal + 1); ++i) {
    const auto time = TicksToNanos(std::strtoull(cpu[i].c_str(), nullptr, 10), ticks_per_second);
    counters.machine_all += time;
    if (i != kIdle && i != kIoWait) counters.machine_busy += time;
  }
  return counters;
}

KernelCounters ReadKernelCounters() {
  const auto read = [](const char* path) { return sys::ReadFile(path); };
  return ParseKernelCounters(read("/proc/net/snmp"), read("/proc/net/netstat"), read("/proc/stat"),
                             ::sysconf(_SC_CLK_TCK));
}

std::string LocalPortRange() {
  const auto words = Words(sys::ReadFile("/proc/sys/net/ipv4/ip_local_port_range"));
  return words.size() == 2 ? fmt::format("{} to {}", words[0], words[1]) : "";
}

}  // namespace hydrapool::loadgen
