#include "pool/sys/stderr_log.h"

#include <unistd.h>

#include <array>
#include <cerrno>

#include "pool/sys/clock.h"
#include "pool/sys/log.h"
#include "pool/sys/rate_limit.h"

namespace hydrapool::sys {
namespace {

RateLimit& LimitOfLines() {
  static RateLimit limit(StderrLog::kMaxLines, kSecond / StderrLog::kMaxLines);
  return limit;
}

}  // namespace

bool StderrLog::Drain(int pipe) {
  std::array<char, 4096> buffer;
  for (int rounds = 0; rounds < 16;
       ++rounds) {  // a flood must not hold the worker: the rest comes with the next event
    const ssize_t count = ::read(pipe, buffer.data(), buffer.size());
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    Add({buffer.data(), static_cast<std::size_t>(count)});
  }
  return true;
}

void StderrLog::Add(std::string_view bytes) {
  if (total_ > kMaxBytes) return;
  total_ += bytes.size();
  if (total_ > kMaxBytes) {
    Finish();
    log::Warn("{}: stderr: more than {} bytes; the rest is dropped", name_, kMaxBytes);
    return;
  }
  for (const char c : bytes) {
    if (c == '\n') {
      Finish();
    } else if (line_.size() < kMaxLine) {
      line_.push_back(c);
    }
  }
}

void StderrLog::Finish() {
  if (line_.empty()) return;
  if (LimitOfLines().Take(Now())) {
    if (const auto missed = LimitOfLines().TakeMissed(); missed > 0)
      log::Warn("{} lines of programs' stderr were dropped: more than {} a second", missed, kMaxLines);
    log::Info("{}: stderr: {}", name_, line_);
  }
  line_.clear();
}

}  // namespace hydrapool::sys
