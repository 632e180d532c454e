#include "loadgen/plan/text_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "pool/sys/scratch_dir.h"

namespace hydrapool::loadgen {
namespace {

TEST(TextFileTest, IsReadWholeOrTheReasonIsSaid) {
  const sys::ScratchDir scratch("loadgen-text");
  const std::string content("a\0\r\n\xff", 5);
  std::ofstream(scratch / "file", std::ios::binary) << content;
  EXPECT_EQ(*ReadWholeFile(scratch / "file"), content);
  EXPECT_EQ(ReadWholeFile("/none").error().message, "cannot read /none: No such file or directory");
  EXPECT_EQ(ReadWholeFile("/tmp").error().message, "cannot read /tmp: Is a directory");
}

TEST(TextFileTest, AFileWithoutAnEndIsRefused) {
  EXPECT_EQ(ReadWholeFile("/dev/zero", 1000).error().message, "cannot read /dev/zero: File too large");
}

}  // namespace
}  // namespace hydrapool::loadgen
