#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>

#include "loadgen/engine/raw/connection.h"

namespace hydrapool::loadgen {
namespace {

/// As send(2) or recv(2) after a failed call of OpenSSL's.
ssize_t TlsEnd(const SSL* ssl) {
  errno = TlsError(ssl);
  return errno == 0 ? 0 : -1;
}

}  // namespace

/// Goes on with the handshake; `connecting` until it is over.
std::optional<Result> RawConnection::Secure() {
  const sys::Nanos begun = sys::Now();
  errno = 0;
  const int returned = SSL_connect(socket_.ssl.get());
  const int error_number = errno;
  if (returned == 1) {
    const bool at_once = at_.connected == 0;  // a server that answers while this process waits for a CPU
    NoteConnected(AddressWalk::kNever);
    if (at_once) at_.connected = begun;
    at_.secured = sys::Now();
    thread_.counts.Secured(SSL_session_reused(socket_.ssl.get()) != 0);
    return std::nullopt;
  }
  const int why = SSL_get_error(socket_.ssl.get(), returned);
  if (why == SSL_ERROR_WANT_READ) NoteConnected(walk_.End());
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return std::nullopt;
  if (at_.connected == 0 && error_number != 0) {
    auto failed = NotConnected(error_number);
    return failed ? failed : Connect();
  }
  detail_ = HandshakeError(socket_.ssl.get(), why == SSL_ERROR_SYSCALL ? error_number : 0);
  Close(sys::Now());
  return End(Outcome::kTls, sys::Now());
}

/// As send(2) and recv(2), within TLS too.
ssize_t RawConnection::Write() {
  const auto bytes = unsent_.first;
  if (!socket_.ssl)
    return ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | (unsent_.rest.empty() ? 0 : MSG_MORE));
  std::size_t sent = 0;
  if (SSL_write_ex(socket_.ssl.get(), bytes.data(), bytes.size(), &sent) == 1)
    return static_cast<ssize_t>(sent);
  return TlsEnd(socket_.ssl.get());
}

ssize_t RawConnection::Read() {
  if (!socket_.ssl) return ::recv(fd(), thread_.buffer.data(), thread_.buffer.size(), 0);
  std::size_t got = 0;
  if (SSL_read_ex(socket_.ssl.get(), thread_.buffer.data(), thread_.buffer.size(), &got) == 1)
    return static_cast<ssize_t>(got);
  return TlsEnd(socket_.ssl.get());
}

}  // namespace hydrapool::loadgen
