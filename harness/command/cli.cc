#include "harness/command/cli.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "harness/fault/fault.h"
#include "pool/sys/file.h"
#include "pool/sys/unique_fd.h"
#include "pool/sys/units.h"

namespace hydrapool::harness {
namespace {

/// Throws nothing where stderr is lost too. False.
bool CannotWrite(const char* where, int error) {
  std::fprintf(stderr, "harness: cannot write %s: %s\n", where, std::strerror(error));
  return false;
}

sys::Result<void> CheckOpens(const std::string& path, int how) {
  if (path.empty()) return {};
  const sys::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | how, 0644));
  if (!file) return sys::Failure(errno, "cannot write " + path);
  return {};
}

bool Print(std::FILE* file, const char* name, const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if ((std::fflush(file) == 0 && written) || errno == EPIPE) return true;
  return CannotWrite(name, errno);
}

}  // namespace

CLI::Option* AddDuration(CLI::App& app, const std::string& name, sys::Nanos& value, const std::string& help) {
  return AddParsed(app, name, value, sys::ParseDuration, help)->type_name("TIME");
}

CLI::Validator WholeFrom(std::uint64_t least) {
  const auto why_not = [least](const std::string& text) {
    const auto count = sys::ParseCount(text, least);
    return count ? "" : count.error().message;
  };
  return {why_not, ""};
}

void AddParent(CLI::App& app, pid_t& parent) {
  app.add_option("--parent", parent, "The server's parent process (--admin knows hydrapool's)")
      ->check([](const std::string& text) {
        const bool number = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
        return number && text != "0" ? "" : fmt::format("'{}' is no pid", text);
      })
      ->type_name("PID");
}

int UsageError(const std::string& message) {
  std::fprintf(stderr, "harness: %s\n", message.c_str());
  return kExitUsage;
}

int Refusal(const sys::Error& error) {
  const int usage = UsageError(error.message);
  if (error.code == ECANCELED) return kExitAborted;
  return error.code == kCannotHere ? kExitCannotHere : usage;
}

sys::Result<void> CheckWritable(const std::string& path) {
  return path == "-" ? sys::Result<void>() : CheckOpens(path, O_TRUNC);
}

sys::Result<void> CheckAppendable(const std::string& path) { return CheckOpens(path, O_APPEND); }

void AddDryRun(CLI::App& app, bool& dry_run) {
  app.add_flag("--dry-run", dry_run,
               "Start and hurt nothing: print the faults of this seed, a line of JSON for each");
}

int PrintPlan(const std::vector<PlannedFault>& faults) {
  std::string lines;
  for (const PlannedFault& fault : faults) lines += ToJson(fault) + "\n";
  return PrintResults(lines, {}, {}) ? kExitDone : kExitUsage;
}

bool WriteReport(const std::string& path, int how, const std::string& text) {
  if (path.empty()) return true;
  const sys::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | how, 0644));
  const int error = file ? sys::WriteAll(file.get(), text) : errno;
  return error == 0 || CannotWrite(path.c_str(), error);
}

bool PrintResults(const std::string& text, const std::string& json, const std::string& json_path) {
  if (json_path == "-") {
    const bool told = Print(stderr, "stderr", text);
    return Print(stdout, "stdout", json) && told;
  }
  const bool written = WriteReport(json_path, O_TRUNC, json);
  return Print(stdout, "stdout", text) && written;
}

}  // namespace hydrapool::harness
