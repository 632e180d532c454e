#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <string>

#include "pool/testing/clients.h"
#include "pool/testing/faults.h"
#include "pool/testing/server_process.h"

// Files, whole and in ranges, while the workers that send them are killed.
namespace hydrapool::support {
namespace {

constexpr std::size_t kSize = 2'000'000;

/// What an id asks for: all of the file, or a range that may lie within any of its steps.
Question PartOf(const std::string& flood, const std::string& id) {
  const std::size_t hash = std::hash<std::string>()(id);
  const bool closes = hash % 7 == 0;
  const std::string fields = closes ? "Connection: close\r\n" : "";
  if (hash % 5 == 0) return {Get("/flood", fields), flood, closes};
  const std::size_t at = hash / 8 % kSize;
  const std::size_t last = std::min(at + hash / 64 % 1'000'000, kSize - 1);
  return {Get("/flood", fmt::format("{}Range: bytes={}-{}\r\n", fields, at, last)),
          flood.substr(at, last - at + 1), closes, 206};
}

class FilesUnderKillsTest : public ::testing::TestWithParam<Fault> {};

TEST_P(FilesUnderKillsTest, EachIsSentToTheVeryByte) {
  const std::string flood = FloodBody(kSize);
  const ScratchDir site;
  std::ofstream(site / "flood") << flood;
  ServerProcess server(
      {.workers = 4, .cgi_dir = "", .flags = {"--mount", "/=files:" + site.path().string()}});
  Injection injection(server, GetParam());
  const CrowdResult result = AskInCrowd(server.address(), 8, 5 * sys::kSecond,
                                        [&flood](const std::string& id) { return PartOf(flood, id); });
  injection.End();
  EXPECT_GE(injection.landed(), GetParam().at_least);
  EXPECT_TRUE(result.problems.empty()) << FirstOf(result.problems);
  fmt::print("{} answered, {} kills\n", result.answered.size(), injection.landed());
  EXPECT_GT(result.answered.size(), 20);
  EXPECT_TRUE(server.AwaitQuiet());
  ExpectNothingLost(server);
  EXPECT_TRUE(server.Stop().clean());
}

INSTANTIATE_TEST_SUITE_P(Random, FilesUnderKillsTest,
                         ::testing::Values(Fault{.every = "20ms", .at_least = 20}));
INSTANTIATE_TEST_SUITE_P(All, FilesUnderKillsTest,
                         ::testing::Values(Fault{.target = "all", .every = "100ms", .at_least = 40}));

}  // namespace
}  // namespace hydrapool::support
