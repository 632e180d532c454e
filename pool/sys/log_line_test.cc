#include "pool/sys/log_line.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ostream>
#include <string>

#include "pool/sys/file.h"
#include "pool/sys/scratch_dir.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {

void PrintTo(PipeWay way, std::ostream* out) { *out << "way " << static_cast<int>(way); }

namespace {

struct Ends {
  UniqueFd read;
  UniqueFd write;
};

Ends MakePipe() {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::string TakeAll(int fd) {
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  std::string all;
  char piece[8192];
  for (ssize_t count; (count = ::read(fd, piece, sizeof piece)) > 0;)
    all.append(piece, static_cast<std::size_t>(count));
  return all;
}

const std::string kLine = std::string(199, 'x') + "\n";

// Until a line is refused; how many were not.
std::size_t Fill(int fd, std::span<const PipeWay> ways = kPipeWays) {
  std::size_t lines = 0;
  while (lines < 1'000'000 && WriteLine(fd, kLine, ways)) ++lines;
  return lines;
}

class PipeWayTest : public testing::TestWithParam<PipeWay> {};

// A write that waited would hang here, for this process alone holds the pipe.
TEST_P(PipeWayTest, TakesLinesUntilThePipeIsFullAndAgainOnceItIsRead) {
  const Ends pipe = MakePipe();
  const PipeWay ways[] = {GetParam()};
  const std::size_t lines = Fill(pipe.write.get(), ways);
  if (lines == 0 && GetParam() == PipeWay::kNoWait) GTEST_SKIP() << "this kernel has no RWF_NOWAIT for pipes";
  EXPECT_GE(lines, 16u);
  EXPECT_EQ(::fcntl(pipe.write.get(), F_GETFL) & O_NONBLOCK, 0) << "others share this end";
  const std::string taken = TakeAll(pipe.read.get());
  EXPECT_EQ(taken.size(), lines * kLine.size());
  EXPECT_TRUE(WriteLine(pipe.write.get(), "again\n", ways));
  EXPECT_EQ(TakeAll(pipe.read.get()), "again\n");
}

INSTANTIATE_TEST_SUITE_P(All, PipeWayTest, testing::ValuesIn(kPipeWays));

TEST(WriteLineTest, LongLinesAreCutAndStayLines) {
  const Ends pipe = MakePipe();
  EXPECT_TRUE(WriteLine(pipe.write.get(), std::string(3 * kLongestLine, 'y') + "\n"));
  const std::string taken = TakeAll(pipe.read.get());
  EXPECT_EQ(taken.size(), kLongestLine);
  EXPECT_TRUE(taken.ends_with("y\n"));
}

TEST(WriteLineTest, ASocketThatIsFullRefuses) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd read(ends[0]);
  const UniqueFd write(ends[1]);
  const std::size_t lines = Fill(write.get());
  EXPECT_GT(lines, 16u);
  EXPECT_EQ(TakeAll(read.get()).size(), lines * kLine.size());
  EXPECT_TRUE(WriteLine(write.get(), "again\n"));
}

TEST(WriteLineTest, ATerminalThatNobodyReadsRefuses) {
  int ends[2];
  ASSERT_EQ(::openpty(&ends[0], &ends[1], nullptr, nullptr, nullptr), 0);
  const UniqueFd master(ends[0]);
  const UniqueFd terminal(ends[1]);
  EXPECT_GT(Fill(terminal.get()), 0u);
}

TEST(WriteLineTest, AFileTakesAllAndNobodyNothing) {
  const ScratchDir scratch("log-line-test");
  const std::string path = scratch / "file";
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(WriteLine(file.get(), kLine));
  EXPECT_EQ(ReadFile(path).size(), 1000 * kLine.size());
  EXPECT_FALSE(WriteLine(-1, kLine));
}

}  // namespace
}  // namespace hydrapool::sys
