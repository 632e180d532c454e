#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hydrapool::sys {

/// A program's stderr, line by line into the log, each with the program's name. Bounded: lines are cut at
/// kMaxLine bytes, and after kMaxBytes a program's errors are read and dropped, with one line that says so.
/// Over all programs of this process kMaxLines are logged at once and so many a second; the next line says
/// how many more there were.
class StderrLog {
 public:
  static constexpr std::size_t kMaxLine = 1024;
  static constexpr std::size_t kMaxBytes = 64 * 1024;
  static constexpr std::uint32_t kMaxLines = 200;

  explicit StderrLog(std::string name) : name_(std::move(name)) {}
  /// Takes what waits in a non-blocking pipe; false: it has ended.
  bool Drain(int pipe);
  /// Logs what has come of an unfinished line.
  void Finish();

 private:
  void Add(std::string_view bytes);
  std::string name_;
  std::string line_;
  std::size_t total_ = 0;
};

}  // namespace hydrapool::sys
