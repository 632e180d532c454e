#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "pool/options.h"

/// Command lines and configuration files of the server, for tests.
namespace hydrapool::server {

struct Parsed {
  std::optional<Options> options;
  int exit_code = 0;
  std::string complaint;
  std::string output = {};
};

inline Parsed Parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "hydrapool");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  Parsed parsed;
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  parsed.options = ParseOptions(static_cast<int>(arguments.size()), argv.data(), parsed.exit_code);
  parsed.complaint = ::testing::internal::GetCapturedStderr();
  parsed.output = ::testing::internal::GetCapturedStdout();
  return parsed;
}

class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text) { std::ofstream(path_) << text; }
  ~ConfigFile() { std::filesystem::remove(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = ::testing::TempDir() + "hydrapool_options_test." + std::to_string(::getpid()) + ".toml";
};

}  // namespace hydrapool::server
