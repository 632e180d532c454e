#pragma once

#include <cstddef>
#include <cstdint>

#include "loadgen/stats/server_addresses.h"
#include "pool/sys/clock.h"

namespace hydrapool::loadgen {

/// What a run's own TCP connections say of themselves, beside what the kernel counts of all programs
/// (kernel_counters.h): how many there were, to which addresses, and how many segments they had to send
/// again, SYNs included.
///
///     const auto place = counts.Opened(address, size);   // connect(2) is called
///     counts.addresses.Connected(place);                 // it is there
///     counts.Ended(fd, opened_at, now);    // before close(2), or at the end of the run: once for each
///
/// It costs a system call (TCP_INFO) only for connections that lived for 200 ms, so none where a connection
/// carries one quickly answered request. Not seen, therefore, on those that lived shorter: what TCP sends
/// again without waiting for its timer (fast retransmits, tail loss probes), or sooner than Linux does unless
/// it is told to (`ip route … rto_min`). Nor what the server had to send again: only the server's kernel
/// knows. Connections to UNIX sockets are counted and never send anything again.
///
/// A value that merges. Not for several threads.
struct ConnectionCounts {
  std::uint64_t opened = 0;       ///< connect(2) was called, whatever came of it.
  std::uint64_t sent_again = 0;   ///< Of these, so many sent a segment again,
  std::uint64_t retransmits = 0;  ///< and together so many segments.
  std::uint64_t http1 = 0;        ///< So many carried requests in HTTP/1.x,
  std::uint64_t http2 = 0;        ///< so many in HTTP/2.
  std::uint64_t tls = 0;          ///< So many had a TLS session,
  std::uint64_t resumed = 0;      ///< so many an earlier one's.
  ServerAddresses addresses = {};

  /// Of those opened the ones that were there, secured where they had to be (ServerAddresses::Connected).
  [[nodiscard]] std::uint64_t made() const;
  /// Returns the place of its address among `addresses`.
  std::size_t Opened(const sockaddr* address, socklen_t size) {
    ++opened;
    return addresses.Tried(address, size);
  }
  void Secured(bool took_up_a_session) {
    ++tls;
    if (took_up_a_session) ++resumed;
  }
  void Ended(int fd, sys::Nanos opened_at, sys::Nanos now) {
    if (MayHaveSentAgain(now - opened_at)) Ask(fd);
  }
  void Merge(const ConnectionCounts& other);
  [[nodiscard]] bool operator==(const ConnectionCounts& other) const = default;

  /// Whether TCP's timer can have run out on a connection that lived for so long: it never does within 200 ms
  /// (tcp(7); TCP_RTO_MIN in include/net/tcp.h), for a SYN not within 1 s. Pure.
  static constexpr bool MayHaveSentAgain(sys::Nanos lived) { return lived >= 200 * sys::kMillisecond; }

 private:
  void Ask(int fd);
};

}  // namespace hydrapool::loadgen
