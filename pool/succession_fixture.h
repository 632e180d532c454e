#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "pool/testing/command.h"
#include "pool/testing/json.h"
#include "pool/testing/scratch.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {

using std::string;

inline std::size_t Count(const string& text, const string& words) {
  std::size_t count = 0;
  for (auto at = text.find(words); at != text.npos; at = text.find(words, at + 1)) ++count;
  return count;
}

/// A server with a configuration file, which is a copy of the program in a directory of its own.
class SuccessionTest : public ::testing::Test {
 protected:
  SuccessionTest() {
    std::filesystem::copy_file(HYDRAPOOL_BIN_DIR "/hydrapool", Program());
    Configure("workers = 2\n");
  }
  [[nodiscard]] string Program() const { return scratch_ / "hydrapool"; }
  void Configure(const string& text) const { std::ofstream(scratch_ / "hydrapool.toml") << text; }
  /// Puts another program in the place of the one that runs.
  void Install(const string& text) const {
    const string next = Program() + ".next";
    if (text.empty()) {
      std::filesystem::copy_file(HYDRAPOOL_BIN_DIR "/hydrapool", next);
    } else {
      WriteProgram(next, text);
    }
    std::filesystem::rename(next, Program());
  }
  void Start(std::vector<string> flags = {}) {
    flags.insert(flags.end(), {"--config", scratch_ / "hydrapool.toml"});
    server_.emplace(ServerOptions{.workers = 0,
                                  .cgi_dir = cgi_dir_,
                                  .flags = flags,
                                  .supervised = true,
                                  .failpoints = failpoints_,
                                  .listen = listen_,
                                  .program = Program()});
  }
  /// Returns when `words` are in the log once more than before.
  void SignalAndAwait(int signal, const string& words) const {
    const std::size_t before = Count(server_->Log(), words);
    server_->Signal(signal);
    ASSERT_TRUE(Eventually([&] { return Count(server_->Log(), words) > before; })) << words;
  }
  void Follow(int signal) const { SignalAndAwait(signal, "lives on under a new program"); }
  [[nodiscard]] string Executed() const {
    return std::filesystem::read_symlink(fmt::format("/proc/{}/exe", server_->pid()));
  }

  ScratchDir scratch_;
  string cgi_dir_ = SamplesDir();
  string failpoints_;
  string listen_ = "127.0.0.1:0";
  std::optional<ServerProcess> server_;
};

}  // namespace hydrapool::support
