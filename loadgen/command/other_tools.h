#pragma once

#include <span>
#include <string>

namespace hydrapool::loadgen {

/// What the user of another load generator (wrk, hey, k6, vegeta, ab, h2load, curl) may have meant by a
/// command line that is wrong here: "-q is --quiet here; did you mean -R 50?". Empty where nothing comes to
/// mind. `args` is without the program's name. Pure.
[[nodiscard]] std::string HintFor(std::span<const std::string> args);

/// What to say where the first argument is another tool's subcommand (`run` with a script, `attack`) or
/// one of ours misspelt, or where one dash stands before a long name (-more, which would be -m ore); empty
/// where it is none.
[[nodiscard]] std::string HintForCommand(std::span<const std::string> args);

}  // namespace hydrapool::loadgen
