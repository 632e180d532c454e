#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "pool/sys/child.h"
#include "pool/sys/file.h"
#include "pool/sys/scratch_dir.h"

/// Programs that a run needs beside itself.
namespace hydrapool::harness {

using sys::ReadFile;

/// Added to this process's own.
using Environment = std::vector<std::pair<std::string, std::string>>;

struct ScratchDir : sys::ScratchDir {
  ScratchDir() : sys::ScratchDir("harness-run") {}
};

/// The directory of this program.
[[nodiscard]] std::filesystem::path ProgramDirectory();
/// `name` beside this program, or else the bare name, which execvp(3) looks for in PATH.
[[nodiscard]] std::string SiblingProgram(const std::string& name);

/// Starts a program in a process group of its own, so that a terminal's Ctrl-C reaches only the harness:
/// stdin empty, stdout and stderr appended to `log`, no signal blocked. It gets SIGTERM if the harness dies.
/// One that is not there ends with 127 and says so in the log. Throws std::system_error where the system
/// refuses to fork. Before any thread is started.
[[nodiscard]] sys::Child StartProgram(const std::vector<std::string>& arguments, const std::string& log,
                                      const Environment& environment = {});

/// The same for a function of this program.
[[nodiscard]] sys::Child StartFunction(const std::function<int()>& body, const std::string& log);

/// Waits for a pidfd; false: it still lives after `timeout`.
[[nodiscard]] bool EndsWithin(int pidfd, std::chrono::milliseconds timeout);

/// A file's last line that is not empty.
[[nodiscard]] std::string LastLineOf(const std::string& path);

}  // namespace hydrapool::harness
