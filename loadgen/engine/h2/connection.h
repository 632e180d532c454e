#pragma once

#include <nghttp2/nghttp2.h>

#include <bitset>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/engine/h2/memory.h"
#include "loadgen/engine/h2/request.h"
#include "loadgen/engine/h2/room.h"
#include "loadgen/engine/h2/stream.h"
#include "loadgen/engine/thread_share.h"
#include "loadgen/engine/transport.h"

namespace hydrapool::loadgen {

/// What the connections of one thread have in common.
struct H2Shared {
  ThreadShare thread;
  const nghttp2_session_callbacks* callbacks;
  H2Memory memory = {};
  std::bitset<1000> told = {};  ///< Statuses that were not expected, of which the first response was shown.
};

/// Hears what becomes of a connection's requests.
class H2Listener {
 public:
  virtual ~H2Listener() = default;
  /// The stream's request is over. The stream, and what the result refers to, stay until the call returns.
  virtual void OnOver(H2Stream& stream, const Result& result) = 0;
};

/// One HTTP/2 connection (nghttp2) and the requests that it carries at a time.
///
///   closed → Submit → starting → (the server's SETTINGS) → ready → [leaving] → closed
///
/// `room()` says how many further requests it takes: one until the server's SETTINGS say how many, none once
/// it is *leaving*, because the server said so (GOAWAY), it has carried as many as it may, it has no stream
/// ids left, or nothing at all came while a request's time ran out. What it then carries goes on.
///
/// A request goes out once. Its outcome is decided by what came for its stream: a RST_STREAM of the server's,
/// a GOAWAY that excludes it, a whole response; or by how the connection ended, as over HTTP/1.1.
///
/// The server's flow control is kept to. The client's windows are as large as can be (1 GiB), so that no
/// server waits for it.
///
/// Not movable; one thread's.
class H2Connection {
 public:
  /// All must outlive it.
  H2Connection(H2Shared& shared, H2Listener& listener, Endpoint& endpoint, const Security& security)
      : shared_(shared),
        listener_(listener),
        endpoint_(endpoint),
        security_(security),
        transport_(shared.thread),
        room_(shared.thread.plan.wire) {}
  H2Connection(const H2Connection&) = delete;
  H2Connection& operator=(const H2Connection&) = delete;

  /// How many more requests it takes.
  [[nodiscard]] std::size_t room() const { return room_.beside(active_.size()); }
  [[nodiscard]] std::size_t active() const { return active_.size(); }
  [[nodiscard]] bool leaving() const { return room_.leaving(); }
  [[nodiscard]] bool open() const { return transport_.open(); }
  [[nodiscard]] int fd() const { return transport_.fd(); }
  [[nodiscard]] int local_port() const { return transport_.local_port(); }
  [[nodiscard]] sys::Nanos connect_due() const { return transport_.connect_due(); }
  /// When something came last.
  [[nodiscard]] sys::Nanos heard() const { return heard_; }

  /// Takes the stream's request on; connects where it is closed. Only where there is room. It may be over
  /// at once.
  void Submit(H2Stream& stream, const H2Request& request);
  /// Sends what there is to send, as much as one call does; true: there is more.
  bool Flush();
  /// What epoll said of `fd()`; true: there is more to read.
  bool OnEvents(std::uint32_t events);
  /// Reads on; true: there is still more.
  bool Receive();
  void OnConnectDue(sys::Nanos now);
  /// Ends the stream's request for want of time.
  void TimedOut(H2Stream& stream, sys::Nanos now);
  /// Nothing is under way: closes it.
  void Close(sys::Nanos now);
  void CountOpen(sys::Nanos now) { transport_.CountOpen(now); }

  /// nghttp2's; their user data is the connection.
  static nghttp2_session_callbacks* MakeCallbacks();

 private:
  struct Events;  // nghttp2's callbacks
  struct FreeSession {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };

  [[nodiscard]] const Plan& plan() const { return shared_.thread.plan; }
  void Start();
  static nghttp2_data_provider BodyOf(H2Stream& stream);
  void ShowRequest(std::span<const nghttp2_nv> fields, std::string_view body) const;
  void ShowField(std::string_view name, std::string_view value) const;
  void Fill();
  void EndOfBytes(int error_number);
  [[nodiscard]] bool IsDone() const;
  void OnSettings();
  void OnHeader(H2Stream& stream, std::string_view name, std::string_view value);
  void Connecting(const std::optional<ConnectError>& failed);
  void OnHead(H2Stream& stream);
  void OnData(H2Stream& stream, std::string_view bytes);
  void OnWhole(H2Stream& stream);
  void OnClosed(H2Stream& stream, std::uint32_t code);
  void OnGoAway(std::uint32_t code);
  void Detach(H2Stream& stream, std::uint32_t code);
  /// The connection is over: so are its requests, as `outcome` says, or as far as they came.
  void End(std::optional<Outcome> outcome, const std::string& detail, int error_number = 0);
  [[nodiscard]] Outcome OutcomeOfEnd(const H2Stream& stream, int error_number) const;
  void Over(H2Stream& stream, Outcome outcome, std::string_view detail, sys::Nanos now);

  H2Shared& shared_;
  H2Listener& listener_;
  Endpoint& endpoint_;
  Security security_;
  Transport transport_;
  H2Room room_;
  std::unique_ptr<nghttp2_session, FreeSession> session_;
  std::vector<H2Stream*> active_;
  std::uint64_t completed_ = 0;  // whole responses
  sys::Nanos heard_ = 0;         // when something came last
  bool peer_closed_ = false;     // as epoll said; what it sent before may still be there to read
  std::string unsent_;
  std::size_t sent_ = 0;         // of it
  std::string words_;            // the library's, or the server's in a GOAWAY
  H2Stream* reading_ = nullptr;  // whose header block is being received; no other's can come between
};

}  // namespace hydrapool::loadgen
