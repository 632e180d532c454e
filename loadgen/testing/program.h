#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "pool/sys/file.h"
#include "pool/sys/scratch_dir.h"

namespace hydrapool::loadgen {

using sys::ReadFile;

/// For tests: a path of one's own; the file is removed at the end.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& name) : path_(scratch_ / name) {}

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string Read() const { return ReadFile(path_); }
  void Write(const std::string& text) const { std::ofstream(path_) << text; }

 private:
  sys::ScratchDir scratch_{"loadgen-test"};
  std::string path_;
};

/// For tests: the loadgen binary, started with both its outputs in files, or with its
/// standard error on a terminal.
class Program {
 public:
  explicit Program(std::vector<std::string> args, std::string terminal = {}) {
    const auto& err = terminal.empty() ? err_.path() : terminal;
    args.insert(args.begin(), HYDRAPOOL_BIN_DIR "/loadgen");
    std::vector<char*> argv;
    for (auto& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, out_.path().c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    EXPECT_EQ(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
  }

  [[nodiscard]] pid_t pid() const { return pid_; }
  void Signal(int signal) const { ::kill(pid_, signal); }
  [[nodiscard]] bool Ended() { return ::waitpid(pid_, &status_, WNOHANG) == pid_; }
  int Wait() {
    EXPECT_EQ(::waitpid(pid_, &status_, 0), pid_);
    return Code();
  }
  [[nodiscard]] int Code() const { return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1; }
  [[nodiscard]] std::string Out() const { return out_.Read(); }
  [[nodiscard]] std::string Err() const { return err_.Read(); }

 private:
  ScratchFile out_{"out"};
  ScratchFile err_{"err"};
  pid_t pid_ = -1;
  int status_ = 0;
};

}  // namespace hydrapool::loadgen
