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

TEST(TextFileTest, ATextIsNoArchiveAndHasNoMark) {
  const sys::ScratchDir scratch("loadgen-text");
  const auto read = [&](const std::string& bytes) {
    std::ofstream(scratch / "file", std::ios::binary) << bytes;
    const auto text = ReadText(scratch / "file");
    return text ? *text : text.error().message.substr(text.error().message.rfind("file"));
  };
  EXPECT_EQ(read("\xEF\xBB\xBF/a"), "/a");
  EXPECT_EQ(read("\x1F\x8B\x08"), "file is compressed (zcat decodes it)");
  EXPECT_EQ(read("\x28\xB5\x2F\xFD"), "file is compressed (zstdcat decodes it)");
  EXPECT_EQ(read("\xFF\xFEG"), "file is UTF-16 (iconv -f UTF-16 -t UTF-8 decodes it)");
}

TEST(TextFileTest, AFileWithoutAnEndIsRefused) {
  EXPECT_EQ(ReadWholeFile("/dev/zero", 1000).error().message, "cannot read /dev/zero: File too large");
}

}  // namespace
}  // namespace hydrapool::loadgen
