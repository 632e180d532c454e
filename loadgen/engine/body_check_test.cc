#include "loadgen/engine/body_check.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

constexpr const char* kOfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

bool Passes(const Plan& plan, std::string_view body) {
  BodyCheck check(plan);
  bool passed = true;
  for (std::size_t piece = 1; piece <= body.size() + 1; ++piece) {
    check.Begin();
    for (std::size_t at = 0; at < body.size(); at += piece) check.Feed(body.substr(at, piece));
    passed = check.Passed() && passed;
  }
  return passed;
}

TEST(BodyCheckTest, Sha256) {
  EXPECT_TRUE(Passes({.expect = {.sha256 = kOfAbc}}, "abc"));
  EXPECT_FALSE(Passes({.expect = {.sha256 = kOfAbc}}, "abd"));
  EXPECT_FALSE(Passes({.expect = {.sha256 = kOfAbc}}, ""));
}

TEST(BodyCheckTest, TheEndInHoweverManyPieces) {
  EXPECT_TRUE(Passes({.expect = {.end = "</html>\n"}}, "<html>…</html>\n"));
  EXPECT_FALSE(Passes({.expect = {.end = "</html>\n"}}, "<html>…</html>"));
  EXPECT_FALSE(Passes({.expect = {.end = "longer"}}, "nger"));
  EXPECT_FALSE(Passes({.expect = {.sha256 = kOfAbc, .end = "x"}}, "abc"));
}

TEST(BodyCheckTest, NothingExpectedNothingDone) {
  const Plan plan;
  EXPECT_FALSE(BodyCheck(plan).needed());
  EXPECT_TRUE(BodyCheck(plan).Passed());
}

}  // namespace
}  // namespace hydrapool::loadgen
