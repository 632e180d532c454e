#pragma once

#include <curl/curl.h>

#include <vector>

#include "loadgen/engine/address_walk.h"
#include "loadgen/engine/curl/sockets.h"
#include "loadgen/plan/plan.h"

namespace hydrapool::loadgen {

/// The connection that a transfer's request goes out on: one of libcurl's, old or new.
///
///   Begin → [Open → answered, refused (MayTryNext) or silent (TakeNextAddress)] … → Carry
///
/// `wire` and `sockets` must outlive it. One thread's.
class CurlConnection {
 public:
  CurlConnection(const Wire& wire, CurlSockets& sockets) : sockets_(sockets), walk_(wire) {}

  /// For the next request to the plan's `target`-th.
  void Begin(std::size_t target, sys::Nanos sent);
  /// For the same request, where nothing of it was sent.
  void BeginAgain();

  /// As socket(2), for an address of libcurl's, which becomes the one whose turn it is.
  int Open(curl_sockaddr& address);
  /// It is there, with that port, and carries the request. Returns the descriptor if it is a new one, else
  /// -1.
  int Carry(int local_port);
  [[nodiscard]] int local_port() const { return local_port_; }

  /// When the attempt to connect is to be looked at; AddressWalk::kNever where there is none or it may take
  /// its time.
  [[nodiscard]] sys::Nanos due() const { return due_; }
  /// That time has come. True: the host's next address is to be tried. False: it is connected, and due() is
  /// later, or its time is over.
  bool TakeNextAddress(sys::Nanos now);
  /// It could not be made; whether the host's next address is to be tried.
  bool MayTryNext();

  /// libcurl has ended the transfer, and closed what it did not use.
  void Ended();
  /// The transfer is ended for want of time.
  void TimedOut(sys::Nanos now);

 private:
  void Answered();
  void Choose(curl_sockaddr& address);
  [[nodiscard]] bool IsSilent() const { return walks_ && CurlSockets::IsConnecting(opened_.back()); }

  CurlSockets& sockets_;
  AddressWalk walk_;
  const Endpoint* endpoint_ = nullptr;  // null where libcurl chooses
  std::vector<int> opened_;             // for this request, and have not carried it
  bool walks_ = false;                  // it is being made, to an address of walk_'s
  sys::Nanos due_ = AddressWalk::kNever;
  int local_port_ = 0;
};

}  // namespace hydrapool::loadgen
