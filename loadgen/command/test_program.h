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

namespace loadgen {

using sys::ReadFile;

/// For tests: a path in the test's directory that is this process's own; the file is removed at the end.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& name)
      : path_(::testing::TempDir() + "loadgen_test_" + std::to_string(::getpid()) + "_" + name) {}
  ~ScratchFile() { ::unlink(path_.c_str()); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string Read() const { return ReadFile(path_); }
  void Write(const std::string& text) const { std::ofstream(path_) << text; }

 private:
  std::string path_;
};

/// For tests: the loadgen binary, started with both its outputs in files, or with its
/// standard error on a terminal.
class Program {
 public:
  explicit Program(std::vector<std::string> args, std::string terminal = {})
      : out_(Path("out")), err_(Path("err")) {
    const auto& err = terminal.empty() ? err_ : terminal;
    args.insert(args.begin(), HYDRAPOOL_BIN_DIR "/loadgen");
    std::vector<char*> argv;
    for (auto& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    EXPECT_EQ(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Program() {
    ::unlink(out_.c_str());
    ::unlink(err_.c_str());
  }

  void Signal(int signal) const { ::kill(pid_, signal); }
  [[nodiscard]] bool Ended() { return ::waitpid(pid_, &status_, WNOHANG) == pid_; }
  int Wait() {
    EXPECT_EQ(::waitpid(pid_, &status_, 0), pid_);
    return Code();
  }
  [[nodiscard]] int Code() const { return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1; }
  [[nodiscard]] std::string Out() const { return ReadFile(out_); }
  [[nodiscard]] std::string Err() const { return ReadFile(err_); }

 private:
  static std::string Path(const char* name) {
    return ::testing::TempDir() + "loadgen_main_test_" + std::to_string(::getpid()) + name;
  }

  std::string out_;
  std::string err_;
  pid_t pid_ = -1;
  int status_ = 0;
};

}  // namespace loadgen
