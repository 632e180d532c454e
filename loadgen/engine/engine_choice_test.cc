#include "loadgen/engine/engine_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

TEST(ChooseEngineTest, AutoIsRawWhereverRawCanSpeak) {
  EXPECT_EQ(ChooseEngine("auto", {.targets = {{.url = "http://h/"}, {.url = "http://[::1]:80/x"}}})->name,
            "raw");
  EXPECT_EQ(ChooseEngine("auto", {.targets = {{.url = "http://h/"}, {.url = "https://h/"}}})->name, "curl");
  EXPECT_EQ(ChooseEngine("auto", {.targets = {{.url = "http://me:secret@h/"}}})->name, "curl");
  EXPECT_EQ(ChooseEngine("curl", {.targets = {{.url = "http://h/"}}})->name, "curl");
}

TEST(ChooseEngineTest, RawIsRefusedWhatItCannotSpeak) {
  const auto choice = ChooseEngine("raw", {.targets = {{.url = "https://h/"}}});
  ASSERT_FALSE(choice);
  EXPECT_THAT(choice.error().message, ::testing::HasSubstr("https://h/"));
}

}  // namespace
}  // namespace hydrapool::loadgen
