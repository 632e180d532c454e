#include "harness/fault/process_tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <filesystem>
#include <iterator>
#include <sstream>

#include "pool/sys/file.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::harness {
namespace {

namespace fs = std::filesystem;

std::optional<pid_t> NumberOf(const fs::path& entry) {
  const std::string name = entry.filename();
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return pid;
}

std::vector<pid_t> NumbersIn(const std::string& directory) {
  std::vector<pid_t> numbers;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (const auto number = NumberOf(it->path())) numbers.push_back(*number);
  }
  return numbers;
}

/// The number that `text` begins with, behind blanks.
template <typename Number>
bool TakeNumber(std::string_view& text, Number& number) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool KernelListsChildren() {
  static const bool lists = ::access("/proc/thread-self/children", R_OK) == 0;
  return lists;
}

std::vector<pid_t> ScanForChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  for (const pid_t pid : NumbersIn("/proc")) {
    const auto process = ReadProcess(pid);
    if (process && process->parent == parent) children.push_back(pid);
  }
  return children;
}

}  // namespace

std::optional<ProcessInfo> ParseStat(std::string_view line) {
  const auto open = line.find('(');
  const auto close = line.rfind(')');
  if (open == line.npos || close == line.npos || close < open) return std::nullopt;
  ProcessInfo info;
  info.comm = line.substr(open + 1, close - open - 1);
  std::string_view rest = line.substr(close + 1);
  if (!TakeNumber(line, info.identity.pid)) return std::nullopt;
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  if (rest.empty()) return std::nullopt;
  info.state = rest.front();
  rest.remove_prefix(1);
  if (!TakeNumber(rest, info.parent)) return std::nullopt;
  constexpr int kFieldsBetweenParentAndStart = 22 - 4 - 1;
  std::int64_t skipped = 0;
  for (int i = 0; i < kFieldsBetweenParentAndStart; ++i) {
    if (!TakeNumber(rest, skipped)) return std::nullopt;
  }
  if (!TakeNumber(rest, info.identity.start_time)) return std::nullopt;
  return info;
}

std::optional<ProcessInfo> ReadProcess(pid_t pid) {
  const sys::UniqueFd file(::open(fmt::format("/proc/{}/stat", pid).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::array<char, 1024> line;  // which it is shorter than, and comes at once
  const ssize_t got = ::read(file.get(), line.data(), line.size());
  return ParseStat(std::string_view(line.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))));
}

bool IsOf(const ProcessInfo& process, pid_t parent) {
  if (process.parent == parent) return true;
  const auto above = ReadProcess(process.parent);
  return above && above->parent == parent && process.parent > 1;
}

std::optional<uid_t> RealUid(pid_t pid) {
  const std::string status = sys::ReadFile(fmt::format("/proc/{}/status", pid));
  constexpr std::string_view kName = "\nUid:\t";
  const auto at = status.find(kName);
  if (at == status.npos) return std::nullopt;
  std::string_view number = std::string_view(status).substr(at + kName.size());
  uid_t uid = 0;
  return TakeNumber(number, uid) ? std::optional(uid) : std::nullopt;
}

std::vector<pid_t> ChildrenOf(pid_t parent) {
  if (!KernelListsChildren()) return ScanForChildrenOf(parent);
  const std::string tasks = fmt::format("/proc/{}/task", parent);
  std::vector<pid_t> children;
  for (const pid_t task : NumbersIn(tasks)) {
    std::istringstream list(sys::ReadFile(fmt::format("{}/{}/children", tasks, task)));
    children.insert(children.end(), std::istream_iterator<pid_t>(list), {});
  }
  std::ranges::sort(children);
  return children;
}

std::vector<pid_t> AllProcesses() { return NumbersIn("/proc"); }

std::vector<pid_t> WithAncestors(pid_t pid) {
  std::vector<pid_t> line{pid};
  while (line.back() > 1) {
    const auto process = ReadProcess(line.back());
    if (!process || process->parent < 1) break;
    line.push_back(process->parent);
  }
  return line;
}

std::optional<Program> ReadProgram(pid_t pid) {
  const auto process = ReadProcess(pid);
  if (!process) return std::nullopt;
  return Program{.file = ExecutableOf(pid), .comm = process->comm};
}

std::string ExecutableOf(pid_t pid) {
  std::array<char, PATH_MAX> path;
  const ssize_t length = ::readlink(fmt::format("/proc/{}/exe", pid).c_str(), path.data(), path.size());
  std::string_view file(path.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  constexpr std::string_view kReplaced = " (deleted)";  // by an installation: it is the same all the same
  if (file.ends_with(kReplaced)) file.remove_suffix(kReplaced.size());
  return std::string(file);
}

std::string TitleOf(pid_t pid) {
  std::string title = sys::ReadFile(fmt::format("/proc/{}/cmdline", pid));
  std::ranges::replace(title, '\0', ' ');
  title.erase(title.find_last_not_of(' ') + 1);
  return title;
}

}  // namespace hydrapool::harness
