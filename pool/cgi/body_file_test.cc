#include "pool/cgi/body_file.h"

#include <fcntl.h>
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

TEST(BodyFileTest, KeepsWhatIsWrittenAlsoTwice) {
  const sys::ScratchDir scratch("body_file_test");
  for (const bool on_disk : {false, true}) {
    const sys::UniqueFd file = on_disk ? DiskFile(scratch.path().string()) : MemoryFile();
    ASSERT_TRUE(file);
    EXPECT_TRUE(WriteAt(file.get(), "the ", 0));
    EXPECT_TRUE(WriteAt(file.get(), "bo", 4));  // its worker died before it was noted
    EXPECT_TRUE(WriteAt(file.get(), "body", 4));
    EXPECT_EQ(Contents(file), "the body");
  }
}

TEST(BodyFileTest, MovesFromMemoryToDisk) {
  const sys::ScratchDir scratch("body_file_test");
  const sys::UniqueFd memory = MemoryFile();
  const std::string text(300'000, 'b');
  ASSERT_TRUE(WriteAt(memory.get(), text + "not noted yet", 0));
  const sys::UniqueFd disk = DiskFile(scratch.path().string());
  ASSERT_TRUE(CopyBody(memory.get(), disk.get(), text.size()));
  EXPECT_TRUE(Contents(disk) == text);
}

TEST(BodyFileTest, SaysWhereThereIsNoRoom) {
  EXPECT_FALSE(DiskFile("/nowhere"));
  const sys::UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_FALSE(WriteAt(full.get(), "x", 0));
  const sys::UniqueFd memory = MemoryFile();
  ASSERT_TRUE(WriteAt(memory.get(), "x", 0));
  EXPECT_FALSE(CopyBody(memory.get(), full.get(), 1));
}

}  // namespace
}  // namespace hydrapool::cgi
