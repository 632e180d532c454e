#pragma once

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace hydrapool {

/// A cgroup of version 2 for a test, below the place where this system has them; empty where it has none or
/// this user may make none. Ends with all that is in it.
class TestCgroup {
 public:
  TestCgroup() {
    std::ifstream mounts("/proc/self/mounts");
    for (std::string device, where, type, rest;
         mounts >> device >> where >> type && std::getline(mounts, rest);) {
      if (type != "cgroup2") continue;
      const std::string path = fmt::format("{}/hydrapool-test-{}", where, ::getpid());
      if (::mkdir(path.c_str(), 0755) == 0) path_ = path;
    }
  }
  ~TestCgroup() {
    if (!*this) return;
    std::ofstream(path_ + "/cgroup.kill") << "1";
    for (int tries = 0; tries < 1000 && !Remove(path_); ++tries) ::usleep(10'000);
  }
  TestCgroup(const TestCgroup&) = delete;
  TestCgroup& operator=(const TestCgroup&) = delete;

  explicit operator bool() const { return !path_.empty(); }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Of the processes in one below it.
  [[nodiscard]] std::string ProcessesOf(const std::string& name) const {
    std::ifstream file(path_ + "/" + name + "/cgroup.procs");
    std::string all;
    for (std::string line; std::getline(file, line);) all += line + "\n";
    return all;
  }
  /// The names of those below it.
  [[nodiscard]] std::size_t children() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      count += entry.is_directory() ? 1 : 0;
    return count;
  }

 private:
  static bool Remove(const std::string& path) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
      if (entry.is_directory(error)) Remove(entry.path());
    }
    return ::rmdir(path.c_str()) == 0;
  }

  std::string path_;
};

}  // namespace hydrapool
