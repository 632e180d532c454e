#include "harness/command/cli.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <fstream>

#include "harness/fault/fault.h"
#include "pool/sys/unique_fd.h"
#include "pool/sys/units.h"

namespace hydrapool::harness {

CLI::Option* AddDuration(CLI::App& app, const std::string& name, sys::Nanos& value, const std::string& help) {
  return AddParsed(app, name, value, sys::ParseDuration, help)->type_name("TIME");
}

void AddParent(CLI::App& app, pid_t& parent) {
  app.add_option("--parent", parent, "The server's parent process (--admin knows hydrapool's)")
      ->check(CLI::PositiveNumber.description(""))
      ->type_name("PID");
}

int UsageError(const std::string& message) {
  fmt::print(stderr, "harness: {}\n", message);
  return kExitUsage;
}

int Refusal(const sys::Error& error) {
  const int usage = UsageError(error.message);
  return error.code == kCannotHere ? kExitCannotHere : usage;
}

sys::Result<void> CheckWritable(const std::string& path) {
  if (path.empty() || path == "-") return {};
  const sys::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!file) return sys::Failure(errno, "cannot write " + path);
  return {};
}

bool PrintResults(const std::string& text, const std::string& json, const std::string& json_path) {
  fmt::print(json_path == "-" ? stderr : stdout, "{}", text);
  if (json_path.empty()) return true;
  if (json_path == "-") {
    fmt::print("{}", json);
    return true;
  }
  std::ofstream file(json_path);
  file << json << std::flush;
  if (!file) fmt::print(stderr, "harness: cannot write {}\n", json_path);
  return file.good();
}

}  // namespace hydrapool::harness
