#include "pool/sys/log_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "pool/sys/file.h"
#include "pool/sys/privileges.h"
#include "pool/sys/scratch_dir.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {
namespace {

class LogFileTest : public ::testing::Test {
 protected:
  LogFileTest() { LogFile::TurnBy(&turns_); }
  ~LogFileTest() override { LogFile::TurnBy(nullptr); }
  [[nodiscard]] static std::string Text(const std::string& path) { return ReadFile(path); }

  LogFileTurns turns_;
  ScratchDir scratch_{"log_file_test"};
  const std::string path_ = scratch_ / "log";
};

TEST_F(LogFileTest, AppendsToWhatIsThere) {
  (*LogFile::Open(path_))->Write("one\n");
  (*LogFile::Open(path_))->Write("two\n");
  EXPECT_EQ(Text(path_), "one\ntwo\n");
}

TEST_F(LogFileTest, IsForItsOwnerAndGroup) {
  const auto file = LogFile::Open(path_);
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07137u, 0u);
}

TEST_F(LogFileTest, NothingIsWrittenToTheOldOneOnceItIsAskedFor) {
  const auto file = LogFile::Open(path_);
  EXPECT_TRUE((*file)->Write("one\n"));
  std::filesystem::rename(path_, path_ + ".1");
  EXPECT_TRUE((*file)->Write("two\n"));
  LogFile::AskForTurn();
  EXPECT_TRUE((*file)->Write("three\n"));
  EXPECT_EQ(Text(path_ + ".1"), "one\ntwo\n");
  EXPECT_EQ(Text(path_), "three\n");
}

TEST_F(LogFileTest, RefreshAllOpensThoseThatWriteNothing) {
  const auto file = LogFile::Open(path_);
  std::filesystem::rename(path_, path_ + ".1");
  LogFile::AskForTurn();
  EXPECT_FALSE(std::filesystem::exists(path_));
  LogFile::RefreshAll();
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(LogFileTest, TheOneThatIsOpenIsKeptWhereTheNextCannotBe) {
  const auto file = LogFile::Open(path_);
  std::filesystem::rename(path_, path_ + ".1");
  std::filesystem::create_directory(path_);
  LogFile::AskForTurn();
  EXPECT_TRUE((*file)->Write("one\n"));
  EXPECT_EQ(Text(path_ + ".1"), "one\n");
  std::filesystem::remove(path_);
  EXPECT_TRUE((*file)->Write("two\n"));
  EXPECT_EQ(Text(path_ + ".1"), "one\ntwo\n");  // until it is asked for again
  LogFile::AskForTurn();
  EXPECT_TRUE((*file)->Write("three\n"));
  EXPECT_EQ(Text(path_), "three\n");
}

TEST_F(LogFileTest, SaysWhyItCannotBeOpened) {
  const auto file = LogFile::Open(scratch_ / "none/log");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ENOENT);
}

TEST_F(LogFileTest, AfterAPartOfALineTheNextBeginsALine) {
  const auto file = LogFile::Open(path_);
  EXPECT_TRUE((*file)->Write("0123456789\n"));
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{16, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_FALSE((*file)->Write("0123456789\n"));
  EXPECT_NE((*file)->error(), 0);
  EXPECT_FALSE((*file)->Write("abc\n"));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_TRUE((*file)->Write("def\n"));
  EXPECT_TRUE((*file)->Write("ghi\n"));
  EXPECT_EQ(Text(path_), "0123456789\n01234\ndef\nghi\n");
}

// A log whose place its user has prepared is no way to a file of root's.
TEST_F(LogFileTest, RootFollowsNoLinkThatTheUserHasMade) {
  if (::geteuid() != 0) GTEST_SKIP() << "for root";
  const User user = *FindUser("nobody");
  std::filesystem::permissions(scratch_.path(), std::filesystem::perms(0755));
  const std::string secret = scratch_ / "secret";
  { (*LogFile::Open(secret))->Write("root's\n"); }
  const std::string theirs = scratch_ / "theirs";
  std::filesystem::create_directory(theirs);
  ASSERT_EQ(::chown(theirs.c_str(), user.uid, user.gid), 0);
  std::filesystem::create_symlink(secret, theirs + "/log");
  EXPECT_FALSE(LogFile::Open(theirs + "/log", -1, &user));
  std::filesystem::create_symlink(theirs, scratch_ / "way");
  std::filesystem::create_symlink(scratch_.path(), theirs + "/back");
  EXPECT_FALSE(LogFile::Open(theirs + "/back/secret", -1, &user));
  std::filesystem::create_hard_link(secret, theirs + "/name");
  EXPECT_FALSE(LogFile::Open(theirs + "/name", -1, &user));
  EXPECT_EQ(Text(secret), "root's\n");
  EXPECT_EQ(::geteuid(), 0u);

  const std::string own = scratch_ / "way/own";  // by that user's rights a link is a link
  (*LogFile::Open(own, -1, &user))->Write("one\n");
  const std::string made = scratch_ / "made";  // where only root may make it
  (*LogFile::Open(made, -1, &user))->Write("two\n");
  for (const std::string& path : {own, made}) {
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, user.uid) << path;
    EXPECT_EQ(Text(path).size(), 4u);
  }
}

TEST_F(LogFileTest, WaitsForNoReader) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const UniqueFd reader(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const auto file = LogFile::Open(path_);
  ASSERT_TRUE(file);
  int written = 0;
  while ((*file)->Write(std::string(4095, 'x') + "\n")) ASSERT_LT(++written, 1000);
  EXPECT_EQ((*file)->error(), EAGAIN);
}

}  // namespace
}  // namespace hydrapool::sys
