#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pool/sys/error.h"

namespace hydrapool::loadgen {

using ShellCommand = std::vector<std::string>;

/// The words of commands, quotes taken off as a POSIX shell does (and those of $'…'). Lines are joined by a
/// backslash; line ends, ';' and "&&" part commands; '#' begins a comment. Nothing is expanded ($x, *, `…`),
/// and what else would have the shell do something ('|', '>', '&' outside quotes) is an error. Pure.
[[nodiscard]] sys::Result<std::vector<ShellCommand>> SplitShellWords(std::string_view text);

}  // namespace hydrapool::loadgen
