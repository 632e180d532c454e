#include "loadgen/plan/line_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "pool/sys/scratch_dir.h"

namespace hydrapool::loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class LineFileTest : public ::testing::Test {
 protected:
  void Write(const std::string& content) const { std::ofstream(path_, std::ios::binary) << content; }
  [[nodiscard]] std::string Complaint(Place place) const {
    LineFiles files;
    const auto loaded = LoadLines("x{line:" + path_ + "}y", place, files);
    return loaded ? "no complaint" : loaded.error().message;
  }

  const sys::ScratchDir scratch_{"loadgen-lines"};
  const std::string path_ = scratch_ / "lines";
};

TEST_F(LineFileTest, LinesWithoutTheirEnds) {
  Write("a\r\nb c\nd");
  EXPECT_THAT(*ReadLines(path_), ElementsAre("a", "b c", "d"));
  EXPECT_EQ(Complaint(Place::kBody), "no complaint");
  EXPECT_EQ(Complaint(Place::kHeader), "no complaint");
}

TEST_F(LineFileTest, WhatIsWrongIsSaidWithFileAndLine) {
  Write("ok\nb c\n");
  EXPECT_THAT(Complaint(Place::kUrl), HasSubstr(path_ + ":2: a URL has neither blanks"));
  Write("ok\nc#d\n");
  EXPECT_THAT(Complaint(Place::kUrl), HasSubstr(path_ + ":2: a URL has neither"));
  EXPECT_EQ(Complaint(Place::kUser), "no complaint");
  Write("ok\nok\nb\001c\n");
  EXPECT_THAT(Complaint(Place::kHeader), HasSubstr(path_ + ":3: a header has no control"));
  Write("ok\n\nok\n");
  EXPECT_THAT(Complaint(Place::kBody), HasSubstr(path_ + ":2: an empty line"));
  Write("\nok");
  EXPECT_THAT(Complaint(Place::kBody), HasSubstr(path_ + ":1: an empty line"));
  Write("");
  EXPECT_THAT(Complaint(Place::kBody), EndsWith("has no lines"));
  LineFiles files;
  EXPECT_THAT(LoadLines("{line:/tmp}", Place::kUrl, files).error().message,
              HasSubstr("cannot read /tmp: Is a directory"));
  EXPECT_THAT(LoadLines("{line:/no/such/file}", Place::kUrl, files).error().message,
              HasSubstr("cannot read /no/such/file: No such file"));
  EXPECT_THAT(LoadLines("/{line:x", Place::kUrl, files).error().message, HasSubstr("lacks its }"));
}

}  // namespace
}  // namespace hydrapool::loadgen
