#include "loadgen/stats/connection_counts.h"

#include "pool/sys/tcp_counters.h"

namespace hydrapool::loadgen {

void ConnectionCounts::Merge(const ConnectionCounts& other) {
  opened += other.opened;
  sent_again += other.sent_again;
  retransmits += other.retransmits;
  http1 += other.http1;
  http2 += other.http2;
  tls += other.tls;
  resumed += other.resumed;
  addresses.Merge(other.addresses);
}

std::uint64_t ConnectionCounts::made() const {
  std::uint64_t n = 0;
  for (const auto& row : addresses.rows()) n += row.connected;
  return n;
}

void ConnectionCounts::Ask(int fd) {
  const auto segments = sys::SegmentsSentAgain(fd);
  if (segments > 0) ++sent_again;
  retransmits += segments;
}

}  // namespace hydrapool::loadgen
