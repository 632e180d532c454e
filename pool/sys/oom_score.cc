#include "pool/sys/oom_score.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "pool/sys/child.h"
#include "pool/sys/file.h"

namespace hydrapool::sys {
namespace {

constexpr int kMost = 1000;

void Write(int fd, int score) {
  const std::string text = std::to_string(std::min(score, kMost));
  [[maybe_unused]] const auto ignored = ::pwrite(fd, text.data(), text.size(), 0);
}

}  // namespace

std::optional<int> OomScore() {
  const std::string text = ReadFile("/proc/self/oom_score_adj");
  int score = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), score);
  return error == std::errc() ? std::optional(score) : std::nullopt;
}

OomScoreOfChildren::OomScoreOfChildren()
    : file_(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)), own_(OomScore().value_or(0)) {}

void OomScoreOfChildren::Set(int score) const {
  if (file_) Write(file_.get(), score);
}

void OomScoreOfChildren::Become(int own) {
  own_ = own;
  Set(own);
}

OomScoreOfChildren::Raised::Raised(const OomScoreOfChildren& of, int by) : of_(of) { of_.Set(of_.own_ + by); }
OomScoreOfChildren::Raised::~Raised() { of_.Set(of_.own_); }

void SetOomScore(pid_t pid, int pidfd, int score) {
  const UniqueFd file(
      ::open(("/proc/" + std::to_string(pid) + "/oom_score_adj").c_str(), O_WRONLY | O_CLOEXEC));
  if (file && SignalPidfd(pidfd, 0)) Write(file.get(), score);
}

}  // namespace hydrapool::sys
