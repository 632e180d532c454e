#include "pool/sys/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <string>
#include <thread>

#include "pool/sys/error.h"
#include "pool/sys/scratch_dir.h"
#include "pool/sys/signal_storm.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {
namespace {

TEST(ReadFileTest, GivesAllOfIt) {
  const ScratchDir scratch("file-test");
  const std::string text("a line\nand \0 no end", 19);
  std::ofstream(scratch / "file", std::ios::binary) << text;
  EXPECT_EQ(ReadFile(scratch / "file"), text);
}

TEST(ReadFileTest, IsEmptyWhereThereIsNone) { EXPECT_EQ(ReadFile("/no/such/file"), ""); }

TEST(WriteAllTest, GoesOnOverSignalsAndShortCounts) {
  std::array<int, 2> ends;
  Check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  const UniqueFd read(ends[0]);
  UniqueFd write(ends[1]);
  const std::string text(1 << 20, 'x');
  std::string seen;
  std::atomic<bool> go{false};
  std::thread reader([&] {
    sigset_t all;  // the storm is the writer's
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    go.wait(false);
    std::array<char, 5'000> piece;
    for (ssize_t count = 1; count > 0; seen.append(piece.data(), static_cast<std::size_t>(count)))
      count = ::read(read.get(), piece.data(), piece.size());
  });
  {
    const SignalStorm storm(5, [&] {
      go = true;
      go.notify_one();
    });
    EXPECT_EQ(WriteAll(write.get(), text), 0);
  }
  go = true;
  go.notify_one();
  write.Reset();
  reader.join();
  EXPECT_TRUE(seen == text);
}

TEST(WriteAllTest, SaysWhyItCannot) {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(WriteAll(full.get(), "x"), ENOSPC);
}

}  // namespace
}  // namespace hydrapool::sys
