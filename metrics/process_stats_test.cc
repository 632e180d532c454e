#include "metrics/process_stats.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <ctime>

#include "pool/sys/unique_fd.h"

namespace hydrapool::metrics {
namespace {

TEST(StatLineTest, IsReadBehindANameWithSpacesAndBrackets) {
  constexpr auto kLine =
      "42 (a) S 1 (x) S 1 42 42 0 -1 4194560 168 0 0 0 3 1 0 0 20 0 7 0 1234 2981888 219 "
      "18446744073709551615";
  EXPECT_EQ(ParseStatLine(kLine), (StatLine{.threads = 7, .start_ticks = 1234}));
}

TEST(StatLineTest, IsZeroWhereThereIsNothingToRead) {
  EXPECT_EQ(ParseStatLine(""), StatLine{});
  EXPECT_EQ(ParseStatLine("42 (a) S 1"), StatLine{});
  EXPECT_EQ(ParseStatmLine(""), StatmLine{});
}

TEST(StatmLineTest, HasVirtualThenResidentPages) {
  EXPECT_EQ(ParseStatmLine("728 219 193 5 0 96 0\n"),
            (StatmLine{.virtual_pages = 728, .resident_pages = 219}));
}

TEST(ProcessStatsTest, AreOfThisProcess) {
  const ProcessStats stats = ReadProcessStats();
  EXPECT_GT(stats.cpu_seconds, 0);
  EXPECT_GE(stats.threads, 1u);
  EXPECT_GT(stats.resident_bytes, 4096u);
  EXPECT_GT(stats.virtual_bytes, stats.resident_bytes);
  EXPECT_GE(stats.max_fds, stats.open_fds);
  EXPECT_LE(stats.start_time_seconds, static_cast<double>(std::time(nullptr)) + 1);
  EXPECT_GT(stats.start_time_seconds, static_cast<double>(std::time(nullptr)) - 3600);
  EXPECT_EQ(ReadProcessStats().start_time_seconds, stats.start_time_seconds);
}

TEST(ProcessStatsTest, CountOpenDescriptors) {
  const std::uint64_t before = ReadProcessStats().open_fds;
  std::array<sys::UniqueFd, 3> files;
  for (auto& file : files) file = sys::UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(ReadProcessStats().open_fds, before + 3);
  EXPECT_EQ(CountDescriptorsOneByOne(), before + 3);
}

TEST(ResidentBytesTest, AreZeroForADeadSlot) {
  EXPECT_EQ(ResidentBytes(0), 0u);
  EXPECT_EQ(ResidentBytes(-1), 0u);
  EXPECT_GT(ResidentBytes(::getpid()), 0u);
}

}  // namespace
}  // namespace hydrapool::metrics
