#include "pool/sys/file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "pool/sys/scratch_dir.h"

namespace hydrapool::sys {
namespace {

TEST(ReadFileTest, GivesAllOfIt) {
  const ScratchDir scratch("file-test");
  const std::string text("a line\nand \0 no end", 19);
  std::ofstream(scratch / "file", std::ios::binary) << text;
  EXPECT_EQ(ReadFile(scratch / "file"), text);
}

TEST(ReadFileTest, IsEmptyWhereThereIsNone) { EXPECT_EQ(ReadFile("/no/such/file"), ""); }

}  // namespace
}  // namespace hydrapool::sys
