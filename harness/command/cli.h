#pragma once

#include <sys/types.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/fault/fault_schedule.h"
#include "pool/sys/clock.h"
#include "pool/sys/error.h"

/// What the subcommands have in common: exit codes, options of times, and where results go.
namespace hydrapool::harness {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitInvalid = 3;
inline constexpr int kExitAborted = 4;
inline constexpr int kExitCannotHere = 77;

/// "--every 250ms" into nanoseconds; what is no time is a usage error.
CLI::Option* AddDuration(CLI::App& app, const std::string& name, sys::Nanos& value, const std::string& help);

/// A check of an option: a whole number, `least` or more.
[[nodiscard]] CLI::Validator WholeFrom(std::uint64_t least);

/// "--parent PID" of the server to hurt; 0 where it is not given.
void AddParent(CLI::App& app, pid_t& parent);

/// An option whose value is what `parse` makes of its text, a sys::Result; an Error is a usage error.
template <typename Value, typename Parse>
CLI::Option* AddParsed(CLI::App& app, const std::string& name, Value& value, Parse parse,
                       const std::string& help) {
  const auto take = [&value, parse](const std::string& text) {
    const auto parsed = parse(text);
    if (!parsed) throw CLI::ValidationError(parsed.error().message);
    value = *parsed;
  };
  return app.add_option_function<std::string>(name, take, help)->type_name("NAME");
}

/// "harness: MESSAGE" on stderr; returns kExitUsage.
int UsageError(const std::string& message);
/// The same, but returns kExitCannotHere for an Error of the code kCannotHere.
int Refusal(const sys::Error& error);

/// Whether results can be written to `path` ("" and "-" always can). To be asked before anything that can
/// fail: it leaves an empty file there, so that no result of an earlier run passes for one of this.
[[nodiscard]] sys::Result<void> CheckWritable(const std::string& path);
/// The same of a file that is appended to: what stands there stays.
[[nodiscard]] sys::Result<void> CheckAppendable(const std::string& path);

/// Writes `json` to `json_path` if there is one, then prints `text`. With "-" the JSON goes to stdout and the
/// text to stderr. False, with a line on stderr, where one cannot be written; a reader of stdout that has
/// left wants no more, and is no failure.
bool PrintResults(const std::string& text, const std::string& json, const std::string& json_path);
/// "--dry-run": the faults are only printed.
void AddDryRun(CLI::App& app, bool& dry_run);
/// Prints them as `harness replay` reads them; an exit code.
int PrintPlan(const std::vector<PlannedFault>& faults);
/// Writes `text` as the file `path` ("": nowhere), `how` being O_TRUNC or O_APPEND. False, with a line on
/// stderr, where it cannot.
bool WriteReport(const std::string& path, int how, const std::string& text);

/// Adds a subcommand. The chosen one runs inside app.parse() and leaves its exit code in `exit_code`.
void AddRunCommand(CLI::App& app, int& exit_code);
void AddAttachCommand(CLI::App& app, int& exit_code);
void AddInjectCommand(CLI::App& app, int& exit_code);
void AddReplayCommand(CLI::App& app, int& exit_code);
void AddEchoCommand(CLI::App& app, int& exit_code);

/// The program: an exit code.
int Main(int argc, char** argv);

}  // namespace hydrapool::harness
