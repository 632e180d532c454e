#include "pool/sys/tcp_self_test.h"

#include <gtest/gtest.h>

namespace hydrapool::sys {
namespace {

using Count = std::optional<std::uint64_t>;

TEST(VerifyTcpCountersTest, TheyHoldOnThisKernel) { EXPECT_EQ(VerifyTcpCounters(), ""); }

// What was used before, and is wrong after a local failure and with a FIN that waits.
Count ByTransmissions(int fd, const TcpReads& reads) {
  const auto facts = reads.Facts(fd);
  return facts->bytes_sent - facts->bytes_retrans + facts->notsent_bytes;
}

TEST(VerifyTcpCountersTest, RefusesACountOfTransmissions) {
  EXPECT_NE(VerifyTcpCounters({.sent = ByTransmissions}), "");
}

TEST(VerifyTcpCountersTest, RefusesReadsThatAreApart) {
  const auto acked_first = [](int fd, const TcpReads& reads) -> Count {
    const auto facts = reads.Facts(fd);
    return facts->bytes_acked + *reads.Unacknowledged(fd);
  };
  const auto queue_first = [](int fd, const TcpReads& reads) -> Count {
    const auto queued = reads.Unacknowledged(fd);
    return reads.Facts(fd)->bytes_acked + *queued;
  };
  const char* said = "bytes that are acknowledged between two reads are not counted once";
  EXPECT_EQ(VerifyTcpCounters({.sent = acked_first}), said);
  EXPECT_EQ(VerifyTcpCounters({.sent = queue_first}), said);
}

TEST(VerifyTcpCountersTest, RefusesACountWithOurFin) {
  const auto with_fin = [](int fd, const TcpReads& reads) -> Count {
    const auto facts = reads.Facts(fd);
    const bool finished = facts->state == 9;  // LAST_ACK
    return *BytesSent(fd, reads) + (finished ? 1 : 0);
  };
  EXPECT_EQ(VerifyTcpCounters({.sent = with_fin}),
            "our own FIN is counted as a byte while it waits to be sent");
}

TEST(VerifyTcpCountersTest, RefusesACountWithThePeersFin) {
  const auto with_fin = [](int fd, const TcpReads& reads) -> Count {
    return reads.Facts(fd)->bytes_received - *reads.Waiting(fd);
  };
  EXPECT_NE(VerifyTcpCounters({.consumed = with_fin}), "");
}

// A kernel that lacks one of the counters, or does not move it.
TEST(VerifyTcpCountersTest, RefusesAKernelThatDoesNotSay) {
  EXPECT_NE(VerifyTcpCounters({.sent = [](int, const TcpReads&) -> Count { return std::nullopt; }}), "");
  EXPECT_NE(VerifyTcpCounters({.sent = [](int, const TcpReads&) -> Count { return 0; }}), "");
  EXPECT_NE(VerifyTcpCounters({.consumed = [](int, const TcpReads&) -> Count { return 0; }}), "");
  const auto no_acknowledgements = [](int fd, const TcpReads& reads) { return reads.Unacknowledged(fd); };
  EXPECT_NE(VerifyTcpCounters({.sent = no_acknowledgements}), "");
}

}  // namespace
}  // namespace hydrapool::sys
