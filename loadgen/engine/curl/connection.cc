#include "loadgen/engine/curl/connection.h"

#include <cstring>

#include "pool/sys/socket.h"

namespace hydrapool::loadgen {

void CurlConnection::Begin(std::size_t target, sys::Nanos sent) {
  auto* endpoint = sockets_.hosts.of(target);
  endpoint_ = endpoint;
  if (endpoint != nullptr) walk_.Begin(*endpoint, sent);
  BeginAgain();
}

void CurlConnection::BeginAgain() {
  opened_.clear();
  walks_ = false;
  due_ = AddressWalk::kNever;
  local_port_ = 0;
}

int CurlConnection::Open(curl_sockaddr& address) {
  Choose(address);
  const int fd = sockets_.Open(address);
  if (fd < 0) {
    walks_ = false;
    return fd;
  }
  opened_.push_back(fd);
  if (walks_) {
    due_ = walk_.Due(sys::Now());
    sockets_.NoteConnectDue(due_);
  }
  return fd;
}

void CurlConnection::Choose(curl_sockaddr& address) {
  walks_ = endpoint_ != nullptr && CurlHosts::IsMeant(*endpoint_, address);
  if (!walks_) return;
  const auto& chosen = walk_.address();
  address.family = chosen.storage.ss_family;
  address.addrlen = chosen.size;
  std::memcpy(&address.addr, chosen.get(), chosen.size);
}

int CurlConnection::Carry(int local_port) {
  Answered();
  local_port_ = local_port;
  int taken = -1;
  for (const int fd : opened_) {
    if (taken < 0 && sys::LocalPort(fd) == local_port) {
      taken = fd;
    } else {
      sockets_.Drop(fd);
    }
  }
  opened_.clear();
  if (taken >= 0) sockets_.Connected(taken);
  return taken;
}

void CurlConnection::Answered() {
  if (walks_) walk_.Connected();
  walks_ = false;
  due_ = AddressWalk::kNever;
}

bool CurlConnection::TakeNextAddress(sys::Nanos now) {
  if (!IsSilent()) {
    Answered();
    return false;
  }
  if (walk_.IsOver(now) || !walk_.Next(true)) return false;
  for (const int fd : opened_) sockets_.Count(fd, now);
  return true;
}

bool CurlConnection::MayTryNext() { return walks_ && walk_.Next(false); }

void CurlConnection::Ended() {
  for (const int fd : opened_) sockets_.Drop(fd);
  opened_.clear();
}

void CurlConnection::TimedOut(sys::Nanos now) {
  if (IsSilent()) walk_.GaveUp();
  for (const int fd : opened_) sockets_.Count(fd, now);
  opened_.clear();
}

}  // namespace hydrapool::loadgen
