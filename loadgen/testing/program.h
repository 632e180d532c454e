#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "pool/sys/file.h"
#include "pool/sys/kill.h"
#include "pool/sys/scratch_dir.h"
#include "pool/sys/unique_fd.h"

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

/// For tests: a pipe with a name, of which this object is the reader. It holds one page.
class NamedPipe {
 public:
  NamedPipe() {
    EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    reader_.Reset(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    EXPECT_GT(::fcntl(reader_.get(), F_SETPIPE_SZ, 1), 0);
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Whoever writes to it waits from now on, until something is read.
  void Fill() const {
    const sys::UniqueFd writer(::open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    const std::string page(4096, ' ');
    while (::write(writer.get(), page.data(), page.size()) > 0) {
    }
  }
  /// Waits until something was written.
  void AwaitText() const {
    pollfd readable{.fd = reader_.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&readable, 1, 60'000), 1);
  }
  /// All of it, until its last writer is gone.
  [[nodiscard]] std::string Read() const {
    std::string text;
    std::string piece(4096, '\0');
    for (ssize_t n = -1; n != 0;) {
      AwaitText();
      n = ::read(reader_.get(), piece.data(), piece.size());
      if (n > 0) text.append(piece, 0, static_cast<std::size_t>(n));
    }
    return text;
  }

 private:
  sys::ScratchDir scratch_{"loadgen-test"};
  std::string path_ = scratch_ / "pipe";
  sys::UniqueFd reader_;
};

/// Where a program's outputs go instead of files of its own.
struct Streams {
  std::string out = {};
  std::string err = {};
};

/// For tests: the loadgen binary.
class Program {
 public:
  explicit Program(std::vector<std::string> args, const Streams& streams = {}) {
    const auto& out = streams.out.empty() ? out_.path() : streams.out;
    const auto& err = streams.err.empty() ? err_.path() : streams.err;
    args.insert(args.begin(), HYDRAPOOL_BIN_DIR "/loadgen");
    std::vector<char*> argv;
    for (auto& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    EXPECT_EQ(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
  }

  [[nodiscard]] pid_t pid() const { return pid_; }
  void Signal(int signal) const { sys::Kill(pid_, signal); }
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
