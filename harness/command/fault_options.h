#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "harness/fault/fault.h"
#include "harness/fault/injector.h"
#include "harness/fault/trigger.h"
#include "pool/sys/clock.h"

/// The options of every command that hurts a running server.
namespace hydrapool::harness {

struct FaultOptions {
  Fault fault = Fault::kKill;
  std::optional<Target> target = {};  ///< nullopt: DefaultTarget(fault).
  sys::Nanos hold = sys::kSecond;
  bool any_user = false;
  std::size_t min_alive = 0;
  std::uint64_t most = 0;   ///< 0: any number.
  std::string steady = {};  ///< The URL of a request that must be answered all the time; empty: none.
  sys::Nanos within = sys::kSecond;

  Trigger trigger = {};

  std::optional<NetworkHarm> how = {};  ///< Of the fault `network`.
  int port = 0;                         ///< Whose packets; 0: the one of the URL.
  std::string disk = {};                ///< Which `full-disk` fills.
  std::string command = {};             ///< The server's own, for a fault that renews it; a line for sh.

  [[nodiscard]] Target chosen_target() const { return target.value_or(DefaultTarget(fault)); }
  [[nodiscard]] InjectLimits limits() const;
  [[nodiscard]] Commands commands() const;
  [[nodiscard]] Harm harm() const;
  /// As they stand on a command line, those that are not the default: " --fault term --min-alive 2".
  [[nodiscard]] std::string words() const;
};

void AddFaultOptions(CLI::App& app, FaultOptions& options);
/// All of them but which fault and to whom.
void AddLimitOptions(CLI::App& app, FaultOptions& options);

/// --pace, --requests and --phase.
void AddTriggerOptions(CLI::App& app, Trigger& trigger);

/// An Error says what is wrong with them together, or, of the code kCannotHere, why this machine cannot do
/// the fault. `admin`: the pool's endpoint, or empty.
[[nodiscard]] sys::Result<void> CheckOptions(const FaultOptions& options, const std::string& admin);

/// As it stands on a command line: "3s", "250ms", "1us".
[[nodiscard]] std::string TimeWord(sys::Nanos time);

/// For --help: a line for each fault.
[[nodiscard]] std::string FaultsHelp();

}  // namespace hydrapool::harness
