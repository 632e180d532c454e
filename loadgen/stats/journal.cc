#include "loadgen/stats/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "pool/sys/file.h"

namespace hydrapool::loadgen {

sys::Result<Journal> Journal::Open(const std::string& path) {
  sys::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644));
  if (!fd) return sys::Failure(errno, "cannot write the journal " + path);
  return Journal(std::move(fd), path);
}

void Journal::Write(sys::Nanos start, std::string_view url, std::string_view outcome, const Attempt& attempt,
                    const Result& result) const {
  const nlohmann::ordered_json line = {
      {"t_ms", static_cast<double>((result.end - start) / sys::kMicrosecond) / 1e3},
      {"sent_ns", attempt.sent},
      {"end_ns", result.end},
      {"url", url},
      {"outcome", outcome},
      {"status", result.status},
      {"local_port", result.local_port},
      {"worker", result.worker},
  };
  const auto text = line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + '\n';
  if (const int error = sys::WriteAll(fd_.get(), text); error != 0) *failure_ = error;
}

sys::Result<void> Journal::Check() const {
  if (*failure_ == 0) return {};
  return sys::Failure(*failure_, "cannot write the journal " + path_);
}

}  // namespace hydrapool::loadgen
