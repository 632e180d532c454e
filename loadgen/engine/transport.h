#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "loadgen/engine/address_walk.h"
#include "loadgen/engine/endpoint.h"
#include "loadgen/engine/thread_share.h"
#include "loadgen/engine/tls_context.h"
#include "loadgen/stats/outcome.h"
#include "loadgen/stats/phases.h"
#include "pool/sys/socket.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::loadgen {

/// Why there is no connection.
struct ConnectError {
  Outcome outcome = Outcome::kOther;
  std::string detail = {};
};

/// What a read or a write came to: so many bytes, or nothing for the time being, or the end.
struct Transferred {
  std::size_t size = 0;
  bool over = false;
  int error_number = 0;  ///< 0: closed in an orderly way.
  /// Of a read: there was no more just then. Epoll tells when more comes, not of the end that came with it.
  bool drained = false;
};

/// A byte stream to a server: TCP or a UNIX socket, with TLS or without.
///
///   closed → Open → connecting → [handshaking] → ready → closed
///
/// Where the server is near it is often ready as soon as Open returns. A host's addresses are tried one after
/// the other (address_walk.h). The socket is registered once,
/// edge-triggered: read and write until there is nothing for the time being. Close, and any ConnectError,
/// lead back to closed.
///
/// Not movable; one thread's.
class Transport {
 public:
  explicit Transport(const ThreadShare& thread) : thread_(thread), walk_(thread.plan.wire) {}
  ~Transport() { Drop(); }
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /// The endpoint must outlive the connection. `delay`: what is sent comes in one segment, so TCP may as well
  /// wait for more (a system call less).
  std::optional<ConnectError> Open(Endpoint& endpoint, const Security& security, sys::Nanos now,
                                   bool delay = false);
  /// What epoll said of `fd()`, until it is ready.
  std::optional<ConnectError> OnEvents(std::uint32_t events);
  /// When OnConnectDue is to be called; AddressWalk::kNever for never.
  [[nodiscard]] sys::Nanos connect_due() const { return ready_ || !open() ? AddressWalk::kNever : due_; }
  std::optional<ConnectError> OnConnectDue(sys::Nanos now);
  /// There was no time left: the next walk begins elsewhere.
  void GaveUp() {
    if (open() && !at_.connected) walk_.GaveUp();
  }

  /// `more`: is sent at once behind them.
  Transferred Send(std::string_view bytes, bool more = false);
  Transferred Receive(std::span<char> buffer);
  void Close(sys::Nanos now);
  /// Counts the connection as Close does, if it is open; at the end of a run.
  void CountOpen(sys::Nanos now);

  [[nodiscard]] bool open() const { return static_cast<bool>(fd_); }
  [[nodiscard]] bool ready() const { return ready_; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] int local_port() const { return open() ? sys::LocalPort(fd()) : 0; }
  /// When it was connected and secured; 0 where it was not.
  [[nodiscard]] const Moments& at() const { return at_; }

 private:
  std::optional<ConnectError> TryAddresses();
  int OpenSocket(bool& connected);
  std::optional<ConnectError> NotConnected(int error_number, bool too_slow);
  std::optional<ConnectError> Connected();
  std::optional<ConnectError> Handshake();
  void SetReady();
  ConnectError Failed(Outcome outcome, std::string detail);
  Transferred ReceiveTls(std::span<char> buffer);
  Transferred TlsEnd();
  void Drop();

  const ThreadShare thread_;
  AddressWalk walk_;
  sys::UniqueFd fd_;
  SslPointer ssl_;
  Security security_;
  bool delay_ = false;
  sys::Nanos opened_at_ = 0;
  std::size_t address_ = 0;  // its place among those of the counts
  sys::Nanos due_ = AddressWalk::kNever;
  Moments at_;
  bool ready_ = false;
};

}  // namespace hydrapool::loadgen
