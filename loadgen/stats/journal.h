#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "loadgen/stats/tally.h"
#include "pool/sys/error.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::loadgen {

/// The failures of a run, one JSON object a line, so that each can be joined with the server's own journal by
/// local port and time:
///
///     {"t_ms":1234.567,"sent_ns":…,"end_ns":…,"url":"http://…","outcome":"truncated","status":200,
///      "local_port":40112,"worker":"1.3"}
///
/// `t_ms` counts from the start of the run to the failure; `sent_ns` and `end_ns` are CLOCK_MONOTONIC, one
/// clock for all processes of a machine. Requests still in flight at the end are written as outcome
/// "in_flight_at_end". A line is one write(2) to a file opened for appending, so threads may write at the
/// same time. A line that cannot be written is left out, and `Check` tells so afterwards.
class Journal {
 public:
  /// Creates or empties `path`.
  static sys::Result<Journal> Open(const std::string& path);

  void Write(sys::Nanos start, std::string_view url, std::string_view outcome, const Attempt& attempt,
             const Result& result) const;

  /// "cannot write the journal PATH: REASON", where a line could not be written.
  [[nodiscard]] sys::Result<void> Check() const;

 private:
  Journal(sys::UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  sys::UniqueFd fd_;
  std::string path_;
  std::unique_ptr<std::atomic<int>> failure_ = std::make_unique<std::atomic<int>>(0);  // errno
};

}  // namespace hydrapool::loadgen
