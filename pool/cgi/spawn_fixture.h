#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "pool/cgi/process.h"
#include "pool/sys/kill.h"
#include "pool/sys/scratch_dir.h"

/// What the tests of cgi::Spawn share: the probe (process_probe.c), scripts in a temporary directory, ends
/// with a deadline.
namespace hydrapool::cgi {

inline constexpr int kDeadlineMillis = 30'000;

struct Pipe {
  sys::UniqueFd read, write;
  Pipe() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) == 0) {
      read.Reset(fds[0]);
      write.Reset(fds[1]);
    }
  }
};

inline std::string ReadAll(int fd) {
  std::string all;
  char buffer[4096];
  for (pollfd waited{fd, POLLIN, 0}; ::poll(&waited, 1, kDeadlineMillis) == 1;) {
    const auto n = ::read(fd, buffer, sizeof buffer);
    if (n <= 0) return all;
    all.append(buffer, static_cast<std::size_t>(n));
  }
  ADD_FAILURE() << "no end of output";
  return all;
}

/// Waits for the end, with a deadline, and reaps. Only what this process is the parent of.
inline int Reap(const Spawned& spawned) {
  pollfd waited{spawned.pidfd.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&waited, 1, kDeadlineMillis), 1) << "the process does not end";
  if (waited.revents == 0) sys::KillGroup(spawned.pid, SIGKILL);
  int status = -1;
  EXPECT_EQ(::waitpid(spawned.pid, &status, 0), spawned.pid);
  return status;
}

inline std::map<std::string, std::string> KeysAndValues(const std::string& text) {
  std::map<std::string, std::string> values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto separator = line.find('=');
    if (separator != std::string::npos) values[line.substr(0, separator)] = line.substr(separator + 1);
  }
  return values;
}

class SpawnTest : public testing::Test {
 protected:
  SpawnTest()
      : bin_(::open(HYDRAPOOL_BIN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC)),
        null_(::open("/dev/null", O_RDWR | O_CLOEXEC)) {
    scratch_fd_.Reset(::open(scratch_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }

  /// The probe as this process's own child, with /dev/null everywhere and an environment of one variable.
  [[nodiscard]] SpawnOptions Options() {
    return {.directory_fd = bin_.get(),
            .program = "cgi_process_probe",
            .argv = argv_.data(),
            .envp = envp_.data(),
            .stdin_fd = null_.get(),
            .stdout_fd = null_.get(),
            .stderr_fd = null_.get(),
            .expected_parent = ::getpid(),
            .clone_parent = false};
  }
  void MakeScript(const std::string& name, const std::string& text, mode_t mode = 0755) const {
    std::ofstream(scratch_ / name) << text;
    ::chmod((scratch_ / name).c_str(), mode);
  }
  static std::string OutputOf(SpawnOptions options, int expected_status = 0) {
    Pipe output;
    options.stdout_fd = output.write.get();
    auto spawned = Spawn(options);
    if (!spawned) {
      ADD_FAILURE() << spawned.error().message;
      return {};
    }
    output.write.Reset();
    auto text = ReadAll(output.read.get());
    EXPECT_EQ(Reap(*spawned), expected_status);
    return text;
  }

  std::vector<char*> argv_{const_cast<char*>("probe"), nullptr};
  std::vector<char*> envp_{const_cast<char*>("ONLY=this"), nullptr};
  sys::UniqueFd bin_, null_, scratch_fd_;
  const sys::ScratchDir scratch_dir_{"cgi_process_test"};
  const std::filesystem::path scratch_ = scratch_dir_.path();
};

}  // namespace hydrapool::cgi
