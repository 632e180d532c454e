#include "pool/cgi/body_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "pool/sys/scratch_dir.h"

namespace hydrapool::cgi {
namespace {

std::string Contents(const sys::UniqueFd& file) {
  struct stat info {};
  ::fstat(file.get(), &info);
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  EXPECT_EQ(::pread(file.get(), text.data(), text.size(), 0), info.st_size);
  return text;
}

TEST(BodyFileTest, KeepsWhatIsAppendedInMemoryAndOnDisk) {
  const sys::ScratchDir scratch("body_file_test");
  for (const std::size_t pieces : {0u, 1u, 15u, 17u, 40u}) {
    BodyFile body(scratch.path().string());
    std::string all;
    for (std::size_t i = 0; i < pieces; ++i) {
      const std::string piece(64 * 1024 + i, static_cast<char>('a' + i % 26));
      ASSERT_TRUE(body.Append(piece));
      all += piece;
    }
    EXPECT_EQ(body.size(), all.size());
    EXPECT_TRUE(Contents(body.Take()) == all) << pieces;
  }
}

TEST(BodyFileTest, SaysWhereThereIsNoRoom) {
  BodyFile body("/nowhere");
  EXPECT_TRUE(body.Append("small"));
  EXPECT_FALSE(body.Append(std::string(BodyFile::kMostInMemory, 'x')));
}

}  // namespace
}  // namespace hydrapool::cgi
