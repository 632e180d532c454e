#include "harness/observe/family_watch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <string>
#include <string_view>

#include "harness/fault/process_tree.h"
#include "pool/sys/child.h"
#include "pool/sys/error.h"

namespace hydrapool::harness {
namespace {

namespace fs = std::filesystem;

// A thread that is started later has children too.
constexpr sys::Nanos kCountLasts = 50 * sys::kMillisecond;
constexpr sys::Nanos kListsLast = sys::kSecond;  // another one may have ended meanwhile

std::vector<sys::UniqueFd> ListsOf(pid_t parent) {
  std::vector<sys::UniqueFd> files;
  std::error_code error;
  for (fs::directory_iterator it(fmt::format("/proc/{}/task", parent), error), end; !error && it != end;
       it.increment(error)) {
    sys::UniqueFd file(::open((it->path() / "children").c_str(), O_RDONLY | O_CLOEXEC));
    if (file) files.push_back(std::move(file));
  }
  return files;
}

/// The directory of its threads has so many links, and two of its own.
std::size_t ThreadsOf(pid_t pid) {
  struct stat directory = {};
  if (::stat(fmt::format("/proc/{}/task", pid).c_str(), &directory) != 0) return 0;
  return directory.st_nlink - 2;
}

void AddNumbers(std::string_view text, std::vector<pid_t>& numbers) {
  while (!text.empty()) {
    pid_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{}) numbers.push_back(number);
    const auto space = text.find(' ');
    text.remove_prefix(space == text.npos ? text.size() : space + 1);
  }
}

}  // namespace

FamilyWatch::FamilyWatch()
    : epoll_(sys::Check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      quiet_(sys::Check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

FamilySample FamilyWatch::Look(pid_t main, pid_t parent) {
  WatchMain(main);
  NoteQuietEnds();
  FamilySample sample;
  for (auto& [pid, member] : members_) member.here = false;
  newcomers_ = 0;
  for (const pid_t pid : ChildrenOf(main)) Take(pid, main, sample);
  if (parent != main) {
    for (const pid_t pid : ChildrenOf(parent)) Take(pid, parent, sample);
  }
  std::erase_if(members_, [](const auto& each) { return !each.second.here; });
  std::erase_if(lists_, [&](const auto& each) { return each.first != main && each.first != parent; });
  dead_ = static_cast<std::size_t>(
      std::ranges::count_if(members_, [](const auto& each) { return each.second.dead; }));
  living_ = members_.size() - dead_;
  sample.at = sys::Now();
  return sample;
}

void FamilyWatch::Take(pid_t pid, pid_t parent, FamilySample& sample) {
  const auto known = members_.find(pid);
  if (known != members_.end() && known->second.pidfd && !known->second.dead) {
    if (!known->second.here) sample.children.push_back(known->second.identity);
    known->second.here = true;
    return;
  }
  sys::UniqueFd pidfd = sys::OpenPidfd(pid);
  const auto process = ReadProcess(pid);
  if (!process || process->parent != parent) return;
  Member& member = members_[pid];
  if (member.identity != process->identity || (member.dead && process->alive())) {
    member = {.identity = process->identity, .pidfd = std::move(pidfd)};
    ++newcomers_;
    if (member.pidfd) AwaitEnd(epoll_, member.pidfd.get(), pid);
  }
  member.dead = !process->alive();
  if (!member.here) sample.children.push_back(member.identity);
  member.here = true;
}

void FamilyWatch::WatchMain(pid_t main) {
  if (main == main_pid_) return;
  main_ = {.identity = {}, .pidfd = sys::OpenPidfd(main)};
  main_pid_ = main;
  const auto process = ReadProcess(main);
  if (process) main_.identity = process->identity;
  main_.dead = !main_.pidfd || !process || !process->alive();
  if (main_.pidfd) AwaitEnd(epoll_, main_.pidfd.get(), main);
}

void FamilyWatch::AwaitEnd(const sys::UniqueFd& epoll, int pidfd, pid_t pid) {
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.fd = pid}};
  sys::Check(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, pidfd, &event), "epoll_ctl");
}

void FamilyWatch::Disregard(pid_t pid) { Move(pid, true); }

void FamilyWatch::Regard(pid_t pid) { Move(pid, false); }

void FamilyWatch::Move(pid_t pid, bool quiet) {
  const auto found = members_.find(pid);
  if (found == members_.end() || !found->second.pidfd || found->second.quiet == quiet) return;
  Member& member = found->second;
  ::epoll_ctl((member.quiet ? quiet_ : epoll_).get(), EPOLL_CTL_DEL, member.pidfd.get(), nullptr);
  member.quiet = quiet;
  AwaitEnd(member.quiet ? quiet_ : epoll_, member.pidfd.get(), pid);
}

std::vector<Identity> FamilyWatch::Living() const {
  std::vector<Identity> living;
  for (const auto& [pid, member] : members_) {
    if (member.pidfd && !member.dead && !member.quiet) living.push_back(member.identity);
  }
  if (main_pid_ != 0 && !main_.dead) living.push_back(main_.identity);
  return living;
}

bool FamilyWatch::HasNews() const {
  pollfd news{epoll_.get(), POLLIN, 0};
  return ::poll(&news, 1, 0) > 0;
}

void FamilyWatch::NoteQuietEnds() {
  std::array<epoll_event, 64> ended;
  int count = 0;
  do {
    count = ::epoll_wait(quiet_.get(), ended.data(), ended.size(), 0);
    for (int i = 0; i < count; ++i) {
      const auto member = members_.find(ended[static_cast<std::size_t>(i)].data.fd);
      if (member != members_.end()) member->second.dead = true;
    }
  } while (count == static_cast<int>(ended.size()));
}

FamilyWatch::Woken FamilyWatch::Await(const Bell& bell, sys::Nanos pause) {
  std::array<pollfd, 2> waited{{{epoll_.get(), POLLIN, 0}, {bell.fd(), POLLIN, 0}}};
  const auto millis = static_cast<int>((pause + sys::kMillisecond - 1) / sys::kMillisecond);
  if (::poll(waited.data(), waited.size(), std::max(millis, 0)) <= 0) return {};
  Woken woken{.rung = bell.Silence()};
  std::array<epoll_event, 16> ended;
  const int count = ::epoll_wait(epoll_.get(), ended.data(), ended.size(), 0);
  for (int i = 0; i < count; ++i) {
    const pid_t pid = ended[static_cast<std::size_t>(i)].data.fd;
    const auto member = members_.find(pid);
    const bool is_known = member != members_.end() && member->second.dead;
    if ((ended[static_cast<std::size_t>(i)].events & EPOLLHUP) != 0) woken.reaped.push_back(pid);
    if (!is_known) woken.ended.push_back(pid);
    if (member != members_.end()) member->second.dead = true;
    if (pid == main_pid_) main_.dead = true;
  }
  return woken;
}

bool FamilyWatch::Read(const Lists& lists, std::vector<pid_t>& children) {
  std::array<char, 16 * 1024> text;
  for (const sys::UniqueFd& file : lists.files) {
    std::string list;
    constexpr ssize_t kNotAll = 2048;  // a page comes at once, but for the number that does not fit
    for (ssize_t got = kNotAll; got >= kNotAll;) {
      got = ::pread(file.get(), text.data(), text.size(), static_cast<off_t>(list.size()));
      if (got < 0) return false;
      list.append(text.data(), static_cast<std::size_t>(got));
    }
    AddNumbers(list, children);
  }
  return !lists.files.empty();
}

std::vector<pid_t> FamilyWatch::ChildrenOf(pid_t parent) {
  Lists& lists = lists_[parent];
  const sys::Nanos now = sys::Now();
  const bool count = now - lists.counted > kCountLasts;
  if (now - lists.opened > kListsLast || (count && ThreadsOf(parent) != lists.files.size()))
    lists = {.files = ListsOf(parent), .opened = now};
  if (count) lists.counted = now;
  std::vector<pid_t> children;
  if (Read(lists, children)) {
    std::ranges::sort(children);
    return children;
  }
  lists = {};
  return harness::ChildrenOf(parent);
}

}  // namespace hydrapool::harness
