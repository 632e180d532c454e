#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace hydrapool::sys {

/// How a line gets into a pipe without waiting for room. The pipe's end is shared with others, so O_NONBLOCK
/// must not be set on it.
enum class PipeWay {
  kNoWait,  ///< pwritev2(RWF_NOWAIT): Linux 6.4 or later
  kOwnEnd,  ///< an end of our own, opened through /proc: where the pipe's owner allows
  kSplice,  ///< through a pipe of our own and SPLICE_F_NONBLOCK: takes a page of the pipe for each line
};
inline constexpr std::array kPipeWays{PipeWay::kNoWait, PipeWay::kOwnEnd, PipeWay::kSplice};

/// Longer lines are cut: as much as a pipe takes whole, so that lines of several processes do not mix.
inline constexpr std::size_t kLongestLine = 4096;  // PIPE_BUF

/// Writes a line, with its newline, to a descriptor that is shared with other processes: whole, or not at all
/// (false). Never waits for a reader of a pipe, a socket or a terminal; only a terminal that may not be
/// opened again (another user's) can hold a line that it has begun to take. A file waits for its disk.
/// Async-signal-safe. Of `ways` the first is taken that this system has.
bool WriteLine(int fd, std::string_view line, std::span<const PipeWay> ways = kPipeWays);

/// How many lines of a log its reader did not take, in memory that all its writers share.
struct DroppedLines {
  std::atomic<std::uint64_t> count{0};
  std::atomic<std::uint64_t> told{0};  ///< of these, how many a line of the log has told of
};

}  // namespace hydrapool::sys
