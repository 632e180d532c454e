#include "pool/sys/log_line.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <optional>

#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {
namespace {

static_assert(kLongestLine <= PIPE_BUF);

bool Whole(ssize_t written, std::string_view line) { return written == static_cast<ssize_t>(line.size()); }

// nullopt: this way is not to be had here.
using Outcome = std::optional<bool>;

Outcome NoWait(int fd, std::string_view line) {
  const iovec piece{const_cast<char*>(line.data()), line.size()};
  const ssize_t written = ::pwritev2(fd, &piece, 1, -1, RWF_NOWAIT);
  if (written < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL)) return std::nullopt;
  return Whole(written, line);
}

Outcome ThroughOwnEnd(int fd, std::string_view line) {
  std::array<char, 32> path{"/proc/self/fd/"};
  char* end = path.data() + 14;
  for (int scale = 1'000'000'000; scale > 0; scale /= 10) {
    if (fd >= scale || scale == 1) *end++ = static_cast<char>('0' + fd / scale % 10);
  }
  const UniqueFd own(::open(path.data(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!own) return std::nullopt;
  return Whole(::write(own.get(), line.data(), line.size()), line);
}

Outcome BySplice(int fd, std::string_view line) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return std::nullopt;
  const UniqueFd read(ends[0]);
  const UniqueFd write(ends[1]);
  if (!Whole(::write(write.get(), line.data(), line.size()), line)) return false;
  return Whole(::splice(read.get(), nullptr, fd, nullptr, line.size(), SPLICE_F_NONBLOCK), line);
}

bool ToPipe(int fd, std::string_view line, std::span<const PipeWay> ways) {
  for (const PipeWay way : ways) {
    Outcome outcome;
    if (way == PipeWay::kNoWait) outcome = NoWait(fd, line);
    if (way == PipeWay::kOwnEnd) outcome = ThroughOwnEnd(fd, line);
    if (way == PipeWay::kSplice) outcome = BySplice(fd, line);
    if (outcome) return *outcome;
  }
  return false;
}

bool ToTerminal(int fd, std::string_view line) {
  if (const Outcome outcome = ThroughOwnEnd(fd, line)) return *outcome;
  pollfd room{fd, POLLOUT, 0};
  return ::poll(&room, 1, 0) > 0 && Whole(::write(fd, line.data(), line.size()), line);
}

bool Write(int fd, std::string_view line, std::span<const PipeWay> ways) {
  struct stat kind {};
  if (::fstat(fd, &kind) != 0) return false;
  if (S_ISFIFO(kind.st_mode)) return ToPipe(fd, line, ways);
  if (S_ISSOCK(kind.st_mode))
    return Whole(::send(fd, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL), line);
  if (S_ISCHR(kind.st_mode) && ::isatty(fd) == 1) return ToTerminal(fd, line);
  return Whole(::write(fd, line.data(), line.size()), line);
}

}  // namespace

bool WriteLine(int fd, std::string_view line, std::span<const PipeWay> ways) {
  if (line.size() <= kLongestLine) return Write(fd, line, ways);
  std::array<char, kLongestLine> cut;
  std::ranges::copy(line.substr(0, kLongestLine - 1), cut.begin());
  cut.back() = '\n';
  return Write(fd, {cut.data(), cut.size()}, ways);
}

}  // namespace hydrapool::sys
