#include "metrics/process_stats.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <charconv>
#include <memory>
#include <string>

#include "pool/sys/file.h"

namespace hydrapool::metrics {
namespace {

constexpr const char* kDescriptors = "/proc/self/fd";

std::uint64_t NumberField(std::string_view fields, int index) {
  for (; index > 0; --index) {
    const auto space = fields.find(' ');
    if (space == fields.npos) return 0;
    fields.remove_prefix(space + 1);
  }
  std::uint64_t number = 0;
  std::from_chars(fields.data(), fields.data() + fields.size(), number);
  return number;
}

double Seconds(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

std::uint64_t PageSize() { return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)); }

std::uint64_t CountOpenDescriptors() {
  struct stat status {};
  if (::stat(kDescriptors, &status) == 0 && status.st_size > 0)
    return static_cast<std::uint64_t>(status.st_size);
  return CountDescriptorsOneByOne();
}

}  // namespace

StatLine ParseStatLine(std::string_view line) {
  const auto name_end = line.rfind(')');
  if (name_end == line.npos) return {};
  const std::string_view fields = line.substr(name_end);
  return {.threads = NumberField(fields, 18), .start_ticks = NumberField(fields, 20)};
}

StatmLine ParseStatmLine(std::string_view line) {
  return {.virtual_pages = NumberField(line, 0), .resident_pages = NumberField(line, 1)};
}

std::uint64_t CountDescriptorsOneByOne() {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(kDescriptors), ::closedir);
  if (!dir) return 0;
  std::uint64_t entries = 0;
  while (::readdir(dir.get()) != nullptr) ++entries;
  return entries - 3;  // ".", ".." and the directory's own descriptor
}

ProcessStats ReadProcessStats() {
  const StatLine stat = ParseStatLine(sys::ReadFile("/proc/self/stat"));
  const StatmLine statm = ParseStatmLine(sys::ReadFile("/proc/self/statm"));
  // Once: what is measured again would differ by the clocks' last digits.
  static const double boot = Seconds(CLOCK_REALTIME) - Seconds(CLOCK_BOOTTIME);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  return {.cpu_seconds = Seconds(CLOCK_PROCESS_CPUTIME_ID),
          .start_time_seconds =
              boot + static_cast<double>(stat.start_ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK)),
          .open_fds = CountOpenDescriptors(),
          .max_fds = files.rlim_cur,
          .resident_bytes = statm.resident_pages * PageSize(),
          .virtual_bytes = statm.virtual_pages * PageSize(),
          .threads = stat.threads};
}

std::uint64_t ResidentBytes(pid_t pid) {
  if (pid <= 0) return 0;
  return ParseStatmLine(sys::ReadFile(fmt::format("/proc/{}/statm", pid))).resident_pages * PageSize();
}

}  // namespace hydrapool::metrics
