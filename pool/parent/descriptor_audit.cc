#include "pool/parent/descriptor_audit.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>

namespace hydrapool {
namespace {

bool IsOpen(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

void GrowTable(int most) {
  const sys::UniqueFd any(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (any) ::close(::fcntl(any.get(), F_DUPFD_CLOEXEC, most - 1));
}

std::vector<int> AllNumbers() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  std::vector<int> all(limit.rlim_cur);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int>(i);
  return all;
}

std::vector<int> OpenDescriptors() {
  std::vector<int> open;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    open.push_back(fd);
  }
  if (open.empty()) open = AllNumbers();                    // there is no /proc
  std::erase_if(open, [](int fd) { return !IsOpen(fd); });  // the directory's own, too
  std::ranges::sort(open);
  return open;
}

}  // namespace

DescriptorAudit::DescriptorAudit(int most, std::vector<int> handed) {
  GrowTable(most);
  std::ranges::sort(handed);
  std::ranges::set_difference(OpenDescriptors(), handed, std::back_inserter(open_at_first_));
}

std::vector<int> DescriptorAudit::Since() const {
  std::vector<int> since;
  std::ranges::set_difference(OpenDescriptors(), open_at_first_, std::back_inserter(since));
  return since;
}

std::vector<sys::UniqueFd> DescriptorAudit::Unknown(std::vector<int> noted) const {
  std::ranges::sort(noted);
  std::vector<sys::UniqueFd> unknown;
  for (const int fd : Since()) {
    if (!std::ranges::binary_search(noted, fd)) unknown.emplace_back(fd);
  }
  return unknown;
}

}  // namespace hydrapool
