#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "pool/testing/command.h"
#include "pool/testing/json.h"
#include "pool/testing/scratch.h"

/// `harness run` and `harness attach` of this build, run by a test.
namespace hydrapool::harness {

/// How a run ended: its exit code, its screen, and what --json says (discarded where it left none).
struct RunEnd {
  int exit_code = -1;
  std::string screen;
  nlohmann::json json;
};

struct RunFixture : testing::Test {
  /// Starts `harness ARGUMENTS --json …`; Await() waits for it. `before`: what to run it by.
  [[nodiscard]] hydrapool::support::Command Launch(std::vector<std::string> arguments,
                                                   const hydrapool::support::Environment& environment = {},
                                                   std::vector<std::string> before = {}) {
    std::filesystem::remove(scratch / "result.json");
    arguments.insert(arguments.end(), {"--json", scratch / "result.json"});
    const auto program = hydrapool::support::Harness(std::move(arguments));
    before.insert(before.end(), program.begin(), program.end());
    return hydrapool::support::Command(std::move(before), environment);
  }
  [[nodiscard]] RunEnd Await(hydrapool::support::Command& command) {
    const auto finished = command.Wait(std::chrono::seconds(90));
    RunEnd end{.exit_code = finished.in_time && finished.status.signal == 0 ? finished.status.code : -1,
               .screen = finished.output,
               .json = hydrapool::support::ParseJson(hydrapool::support::ReadFile(scratch / "result.json"))};
    RemoveEvidence(end.screen);
    return end;
  }
  [[nodiscard]] RunEnd Run(std::vector<std::string> arguments,
                           const hydrapool::support::Environment& environment = {},
                           std::vector<std::string> before = {}) {
    auto command = Launch(std::move(arguments), environment, std::move(before));
    return Await(command);
  }
  /// The path of a scenario with this text.
  [[nodiscard]] std::string Scenario(const std::string& text) const {
    std::ofstream(scratch / "s.yaml") << text;
    return scratch / "s.yaml";
  }

  hydrapool::support::ScratchDir scratch;

 private:
  static void RemoveEvidence(const std::string& screen) {
    const std::string words = "look at    ";
    const auto at = screen.find(words);
    if (at == screen.npos) return;
    const auto begin = at + words.size();
    std::filesystem::remove_all(screen.substr(begin, screen.find('\n', begin) - begin));
  }
};

}  // namespace hydrapool::harness
