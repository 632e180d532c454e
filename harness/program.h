#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "pool/sys/child.h"

/// Programs that a run needs beside itself.
namespace harness {

/// A directory of a run's own, removed with all that is in it unless it is kept.
class ScratchDir {
 public:
  /// Throws std::filesystem::filesystem_error or std::system_error.
  ScratchDir();
  ~ScratchDir();
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;

  void Keep() { kept_ = true; }
  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
  bool kept_ = false;
};

/// The directory of this program.
[[nodiscard]] std::filesystem::path ProgramDirectory();
/// `name` beside this program, or else the bare name, which execvp(3) looks for in PATH.
[[nodiscard]] std::string SiblingProgram(const std::string& name);

/// Starts a program in a process group of its own, so that a terminal's Ctrl-C reaches only the harness:
/// stdin empty, stdout and stderr appended to `log`, no signal blocked. It gets SIGTERM if the harness dies.
/// One that is not there ends with 127 and says so in the log. Throws std::system_error where the system
/// refuses to fork. Before any thread is started.
[[nodiscard]] sys::Child StartProgram(const std::vector<std::string>& arguments, const std::string& log);

/// The same for a function of this program.
[[nodiscard]] sys::Child StartFunction(const std::function<int()>& body, const std::string& log);

/// Waits for a pidfd; false: it still lives after `timeout`.
[[nodiscard]] bool EndsWithin(int pidfd, std::chrono::milliseconds timeout);

/// All of a file; empty where there is none.
[[nodiscard]] std::string ReadFile(const std::string& path);
/// Its last line that is not empty.
[[nodiscard]] std::string LastLineOf(const std::string& path);

}  // namespace harness
