#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "pool/sys/child.h"

namespace hydrapool::sys {

/// How a program is started beside this one: stdin empty, no signal blocked.
struct ProgramSetting {
  std::string output;       ///< The file to which stdout is appended.
  std::string errors = {};  ///< The one for stderr; empty: the same.
  std::vector<std::pair<std::string, std::string>> environment = {};  ///< Added to this process's own.
  bool own_group = false;        ///< A process group of its own, which a terminal's Ctrl-C does not reach.
  int signal_when_orphaned = 0;  ///< Sent to it when the thread that started it ends; 0: nothing is.
};

/// Forks and executes `arguments`, of which the first is looked for in PATH. One that cannot be executed ends
/// with 127 and says so on its stderr. Throws std::system_error where the system refuses to fork. Before any
/// thread is started.
///
///     sys::Child server = sys::StartProgram({"nginx", "-c", conf}, {.output = scratch / "log"});
[[nodiscard]] Child StartProgram(const std::vector<std::string>& arguments, const ProgramSetting& setting);

/// The same for a function of this program; the child ends with what it returns.
[[nodiscard]] Child StartFunction(const std::function<int()>& body, const ProgramSetting& setting);

}  // namespace hydrapool::sys
