#include "pool/sys/oom_kills.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "pool/sys/file.h"

namespace hydrapool::sys {
namespace {

constexpr std::string_view kCount = "oom_kill ";

std::size_t FindCount(std::string_view text) {
  if (text.starts_with(kCount)) return kCount.size();
  const auto found = text.find("\n" + std::string(kCount));
  return found == text.npos ? text.npos : found + 1 + kCount.size();
}

}  // namespace

std::uint64_t ParseOomKills(std::string_view text) {
  const auto at = FindCount(text);
  std::uint64_t count = 0;
  if (at != text.npos) std::from_chars(text.data() + at, text.data() + text.size(), count);
  return count;
}

// A line of cgroup v2 is "0::/path", one of v1 "4:memory:/path" (cgroups(7)).
std::string CgroupOomFile(std::string_view self_cgroup, int version) {
  const std::string_view controllers = version == 2 ? "::" : ":memory:";
  const auto found = self_cgroup.find(controllers);
  if (found == self_cgroup.npos) return "";
  const auto begin = found + controllers.size();
  std::string path(self_cgroup.substr(begin, self_cgroup.find('\n', begin) - begin));
  if (path == "/") path.clear();
  return version == 2 ? "/sys/fs/cgroup" + path + "/memory.events"
                      : "/sys/fs/cgroup/memory" + path + "/memory.oom_control";
}

std::string OomKillFile() {
  const std::string cgroup = ReadFile("/proc/self/cgroup");
  for (const std::string& file :
       {CgroupOomFile(cgroup, 1), CgroupOomFile(cgroup, 2), CgroupOomFile(":memory:/", 1),
        CgroupOomFile("::/", 2), std::string("/proc/vmstat")}) {
    if (!file.empty() && FindCount(ReadFile(file)) != std::string::npos) return file;
  }
  return "";
}

OomKills::OomKills(std::string file, Memory& memory) : file_(std::move(file)), memory_(memory) {
  struct stat status {};
  if (file_.empty() || ::stat(file_.c_str(), &status) != 0) return;
  if (memory.device == status.st_dev && memory.inode == status.st_ino) return;
  memory.device = status.st_dev;
  memory.inode = status.st_ino;
  memory.explained = memory.seen = ParseOomKills(ReadFile(file_));
}

bool OomKills::ExplainsOne() {
  if (file_.empty() || ParseOomKills(ReadFile(file_)) <= memory_.explained) return false;
  ++memory_.explained;
  return true;
}

void OomKills::Age() {
  if (file_.empty()) return;
  memory_.explained =
      std::max(memory_.explained, std::exchange(memory_.seen, ParseOomKills(ReadFile(file_))));
}

}  // namespace hydrapool::sys
