#include "pool/manual/mistake.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace hydrapool::manual {
namespace {

/// What is said of a program's command line; "": it is right.
std::string Said(CLI::App& app, std::vector<std::string> words,
                 std::span<const std::string_view> commands = {}) {
  std::ranges::reverse(words);  // so CLI11 wants them
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return Explain(app, error, commands);
  }
  return "";
}

std::string OfOneWithCommands(const std::vector<std::string>& words) {
  CLI::App app("Does things.");
  app.require_subcommand(1);
  std::string text;
  CLI::App& inject = *app.add_subcommand("inject", "hurt");
  inject.add_option("-e,--every", text, "when")->type_name("TIME");
  inject.add_option("--hidden", text, "")->group("");
  CLI::App& run = *app.add_subcommand("run", "carry out");
  run.add_option("file", text, "which")->required();
  run.add_option("--seed", text, "draws");
  return Said(app, words);
}

TEST(MistakeTest, NamesTheWordThatIsUnknownAndTheNearestThatIsNot) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> table{
      {{"inject", "--every", "1s"}, ""},
      {{"frobnicate"}, "no such command: 'frobnicate' is none of inject, run"},
      {{"injct", "--every", "1s"}, "no such command: 'injct' is none of inject, run; did you mean 'inject'?"},
      {{"--every"}, "no such option: --every"},
      {{"inject", "--evry", "1s"}, "no such option: --evry; did you mean '--every'?"},
      {{"inject", "--evry=1s"}, "no such option: --evry; did you mean '--every'?"},
      {{"run", "-seed", "7"}, "no such option: -seed; did you mean '--seed'?"},
      {{"inject", "-f", "1s"}, "no such option: -f"},
      {{"inject", "--hiden", "1s"}, "no such option: --hiden"},
      {{"inject", "--every"}, "--every needs a value: TIME"},
      {{"inject", "-e"}, "--every needs a value: TIME"},
      {{"run", "--sed", "7"}, "no such option: --sed; did you mean '--seed'?"},
      {{"run", "--sed"}, "no such option: --sed; did you mean '--seed'?"},
      {{"run", "a", "b"}, "unexpected argument: b"},
      {{"run"}, "file is required"},
      {{}, "A subcommand is required"},
  };
  for (const auto& [words, said] : table)
    EXPECT_EQ(OfOneWithCommands(words), said) << testing::PrintToString(words);
}

TEST(MistakeTest, WordsThatAProgramKnowsBesideAreMeantAsWell) {
  constexpr std::array<std::string_view, 2> kCommands{"config", "ctl"};
  const auto said = [&](const std::string& word) {
    CLI::App app("Serves.");
    return Said(app, {word}, kCommands);
  };
  EXPECT_EQ(said("confg"), "unexpected argument: confg; did you mean 'config'?");
  EXPECT_EQ(said("frobnicate"), "unexpected argument: frobnicate");
}

}  // namespace
}  // namespace hydrapool::manual
