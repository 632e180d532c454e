#pragma once

#include <span>
#include <string>
#include <string_view>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

/// What is said of a command line that is wrong.
namespace hydrapool::manual {

/// Stands before the name that was probably meant.
inline constexpr std::string_view kDidYouMean = "; did you mean ";

/// One line on why `app` refused its command line with `error`. A word that is none of its options or
/// subcommands comes first, with the nearest that is one: where a name is misspelt, that is why others seem to
/// be missing.
///
///     no such option: --evry; did you mean '--every'?
///
/// `commands`: first words that the program knows beside its subcommands.
[[nodiscard]] std::string Explain(const CLI::App& app, const CLI::ParseError& error,
                                  std::span<const std::string_view> commands = {});

}  // namespace hydrapool::manual
