#include "harness/fault/process_facts.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "pool/sys/file.h"

namespace hydrapool::harness {
namespace {

namespace fs = std::filesystem;

std::optional<std::uint64_t> SetAfter(std::string_view status, std::string_view name) {
  const auto at = status.find(name);
  if (at == status.npos) return std::nullopt;
  const auto begin = status.find_first_not_of(" \t", at + name.size());
  if (begin == status.npos) return std::nullopt;
  std::uint64_t set = 0;
  const auto [end, error] = std::from_chars(status.data() + begin, status.data() + status.size(), set, 16);
  return error == std::errc{} ? std::optional(set) : std::nullopt;
}

/// Of /proc/PID/stat, from the fourth field on, as all behind the state are numbers; {} where there are none.
std::vector<long> NumbersOfStat(pid_t pid) {
  const std::string stat = sys::ReadFile(fmt::format("/proc/{}/stat", pid));
  std::vector<long> numbers;
  const auto name_ends = stat.rfind(") ");
  if (name_ends == stat.npos) return numbers;
  constexpr std::size_t kState = 3;  // the bracket, a blank, and the letter
  const char* at = stat.data() + std::min(name_ends + kState, stat.size());
  const char* const end = stat.data() + stat.size();
  for (long number = 0; at < end && *at == ' '; numbers.push_back(number)) {
    const auto [next, error] = std::from_chars(at + 1, end, number);
    if (error == std::errc::result_out_of_range) number = 0;  // an address
    if (error == std::errc::invalid_argument) break;
    at = next;
  }
  return numbers;
}

/// Counted from 1 as in proc(5).
std::optional<long> Field(const std::vector<long>& numbers, std::size_t field) {
  constexpr std::size_t kFirst = 4;
  return field - kFirst < numbers.size() ? std::optional(numbers[field - kFirst]) : std::nullopt;
}

}  // namespace

std::optional<SignalSets> ParseSignalSets(std::string_view status) {
  const auto own = SetAfter(status, "\nSigPnd:");
  const auto shared = SetAfter(status, "\nShdPnd:");
  const auto blocked = SetAfter(status, "\nSigBlk:");
  const auto ignored = SetAfter(status, "\nSigIgn:");
  const auto caught = SetAfter(status, "\nSigCgt:");
  if (!own || !shared || !blocked || !ignored || !caught) return std::nullopt;
  return SignalSets{.pending = *own | *shared, .blocked = *blocked, .ignored = *ignored, .caught = *caught};
}

std::optional<SignalSets> ReadSignalSets(pid_t pid) {
  return ParseSignalSets(sys::ReadFile(fmt::format("/proc/{}/status", pid)));
}

bool CanExceedLimits(pid_t pid) {
  constexpr std::uint64_t kSysAdmin = 21;
  constexpr std::uint64_t kSysResource = 24;
  const std::string status = sys::ReadFile(fmt::format("/proc/{}/status", pid));
  const auto capabilities = SetAfter(status, "\nCapEff:").value_or(0);
  const auto uid = status.find("\nUid:\t");
  const bool is_root = uid != status.npos && status.compare(uid + 6, 2, "0\t") == 0;
  return is_root || ((capabilities >> kSysAdmin | capabilities >> kSysResource) & 1) != 0;
}

std::optional<std::uint64_t> FirstFreeDescriptor(pid_t pid) {
  std::set<std::uint64_t> taken;
  std::error_code error;
  for (fs::directory_iterator it(fmt::format("/proc/{}/fd", pid), error), end; !error && it != end;
       it.increment(error)) {
    taken.insert(std::stoull(it->path().filename().string()));
  }
  if (error) return std::nullopt;
  std::uint64_t free = 0;
  while (taken.contains(free)) ++free;
  return free;
}

std::optional<std::uint64_t> AddressSpaceOf(pid_t pid) {
  std::uint64_t pages = 0;
  if (!(std::istringstream(sys::ReadFile(fmt::format("/proc/{}/statm", pid))) >> pages)) return std::nullopt;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::optional<int> LastCoreOf(pid_t pid) {
  const auto core = Field(NumbersOfStat(pid), 39);
  return core ? std::optional(static_cast<int>(*core)) : std::nullopt;
}

std::optional<sys::Nanos> CpuTimeOf(pid_t pid) {
  sys::Nanos time = 0;
  if (!(std::istringstream(sys::ReadFile(fmt::format("/proc/{}/schedstat", pid))) >> time))
    return std::nullopt;
  return time;
}

std::optional<sys::Nanos> CpuTimeOfAll(pid_t pid) {
  constexpr std::size_t kUserTime = 14;  // and then system time, and both of reaped children: proc(5)
  constexpr std::size_t kFields = 4;
  const std::vector<long> numbers = NumbersOfStat(pid);
  long long ticks = 0;
  for (std::size_t field = kUserTime; field < kUserTime + kFields; ++field) {
    const auto value = Field(numbers, field);
    if (!value) return std::nullopt;
    ticks += *value;
  }
  return ticks * (sys::kSecond / ::sysconf(_SC_CLK_TCK));
}

std::optional<int> WaitStatusOf(pid_t pid) {
  const auto status = Field(NumbersOfStat(pid), 52);
  if (!status || (*status == 0 && ::geteuid() != 0)) return std::nullopt;
  return static_cast<int>(*status);
}

std::optional<Limit> LimitOf(pid_t pid, int resource) {
  rlimit limit{};
  if (::prlimit(pid, static_cast<__rlimit_resource>(resource), nullptr, &limit) != 0) return std::nullopt;
  return Limit{.soft = limit.rlim_cur, .hard = limit.rlim_max};
}

bool SetLimit(pid_t pid, int resource, const Limit& limit) {
  const rlimit wanted{.rlim_cur = limit.soft, .rlim_max = limit.hard};
  return ::prlimit(pid, static_cast<__rlimit_resource>(resource), &wanted, nullptr) == 0;
}

}  // namespace hydrapool::harness
