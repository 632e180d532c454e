#pragma once

#include <openssl/types.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "loadgen/plan/plan.h"

struct ssl_session_st;

namespace hydrapool::loadgen {

struct FreeSsl {
  /// As if the connection had been shut down: else its session could not be resumed.
  void operator()(SSL* ssl) const;
  void operator()(SSL_CTX* context) const;
  void operator()(ssl_session_st* session) const;
};
using SslPointer = std::unique_ptr<SSL, FreeSsl>;

/// What the TLS connections of one thread have in common: who may vouch for servers, the client's own
/// certificate, the protocol to be agreed on (ALPN), and, where the plan wants it, the session with each
/// server that the next connection to it takes up.
///
/// Not movable; one thread's.
class TlsContext {
 public:
  /// `protocol`: as ALPN has it, like "h2". Throws std::bad_alloc.
  TlsContext(const Plan& plan, std::string_view protocol);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  /// A connection to be, with the server of that name or address; null where there is none to be had, and
  /// then error() says why.
  SslPointer Begin(int fd, const std::string& host);
  /// Why certificates or keys cannot be used; empty where they can.
  [[nodiscard]] const std::string& error() const { return error_; }
  /// The server agreed on the protocol, or speaks the one that needs no agreement (HTTP/1.1).
  [[nodiscard]] bool Agreed(const SSL* ssl) const;

 private:
  using Session = std::unique_ptr<ssl_session_st, FreeSsl>;

  static int OnNewSession(SSL* ssl, ssl_session_st* session);

  std::unique_ptr<SSL_CTX, FreeSsl> context_;
  std::map<std::string, Session> sessions_;  // by whose certificate it was
  std::string protocol_;
  bool verify_;
  std::string error_;
};

/// Whose certificate a server must have, and what the TLS connections of the thread have in common; null: no
/// TLS. Both must outlive the connection.
struct Security {
  TlsContext* tls = nullptr;
  const std::string* host = nullptr;
};

/// Why the files of certificates and keys cannot be used: "--key: FILE is not the key of the certificate".
/// Empty where they can, or there are none.
[[nodiscard]] std::string WrongCertificates(const Extras& extras);

/// Why a handshake failed; `error_number`: errno, where it was a system call.
[[nodiscard]] std::string HandshakeError(const SSL* ssl, int error_number);

/// The library's last words about what went wrong, in this thread; forgets them.
[[nodiscard]] std::string TakeTlsError();

/// What recv(2) or send(2) would have said where SSL_read_ex or SSL_write_ex has failed just now: an errno,
/// EAGAIN among them; 0: the other side has closed in an orderly way.
[[nodiscard]] int TlsError(const SSL* ssl);

}  // namespace hydrapool::loadgen
