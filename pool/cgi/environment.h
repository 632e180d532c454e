#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pool/cgi/script_path.h"
#include "pool/http/request.h"

namespace hydrapool::cgi {

/// What the server says of itself: the same for all requests.
struct ServerFacts {
  std::string software = "hydrapool";
  std::string
      name{};  ///< SERVER_NAME; empty: the request's Host without its port, else the address it came to
  std::string scheme = "http";  ///< what the client used, also where a proxy in front speaks TLS
  std::string document_root{};  ///< empty: neither DOCUMENT_ROOT nor PATH_TRANSLATED
  std::string path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  bool pass_authorization =
      false;  ///< HTTP_AUTHORIZATION, HTTP_PROXY_AUTHORIZATION: passwords, in most cases
  std::vector<std::string> extra{};  ///< NAME=VALUE each; the last word on that name
};

/// What the server knows of one connection, in the notation of inet_ntop(3), and of a request beside its
/// head.
struct ClientFacts {
  std::string remote_address{};
  std::uint16_t remote_port = 0;  ///< 0: none
  std::string server_address{};
  std::uint16_t server_port = 0;
  std::optional<std::string> user{};  ///< REMOTE_USER, who has shown a password (Basic)
  std::string request_id{};           ///< HTTP_X_REQUEST_ID and REQUEST_ID; empty: none
  std::string scheme{};               ///< what the client used; empty: ServerFacts::scheme
  std::optional<std::uint64_t>
      body_length{};  ///< of a chunked body that was spooled; else Content-Length counts
};

/// The environment of a CGI process, ready for execve: one block of memory and the pointers into it.
class Environment {
 public:
  /// The most bytes that `Build` lets through; the kernel's own limit is 128 KiB for one
  /// string.
  static constexpr std::size_t kMaxBytes = 64 * 1024;

  /// Builds it from nothing (RFC 3875, section 4.1); nothing of this process's own environment gets in.
  ///
  /// The meta-variables, REMOTE_IDENT excepted (AUTH_TYPE and REMOTE_USER where a password was asked for;
  /// `extra` may set them too), and the customary ones: SCRIPT_FILENAME, DOCUMENT_ROOT, REQUEST_URI,
  /// REDIRECT_STATUS (200), REQUEST_ID, REQUEST_SCHEME, HTTPS (on, for https), REMOTE_PORT, SERVER_ADDR,
  /// PATH. REMOTE_HOST is the address: names are not looked up. What is not known is not set; QUERY_STRING
  /// always is.
  ///
  /// HTTP_* are the request's fields, repeated ones joined by ", " (Cookie by "; "). Not passed:
  ///   - names with other characters than letters, digits and '-': X_Foo must not pass for X-Foo;
  ///   - Proxy, which would become HTTP_PROXY, the proxy of many HTTP clients (CVE-2016-5385);
  ///   - Content-Type and Content-Length, which are CONTENT_TYPE (the first) and CONTENT_LENGTH;
  ///   - Connection, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade and Expect: the
  ///   server's matter;
  ///   - Authorization and Proxy-Authorization, unless `pass_authorization`.
  ///
  /// nullopt: larger than kMaxBytes; answer with 431. A pure function.
  [[nodiscard]] static std::optional<Environment> Build(const http::Request& request, const Script& script,
                                                        const ServerFacts& server, const ClientFacts& client);

  Environment(Environment&&) = default;
  Environment& operator=(Environment&&) = default;

  /// "NAME=VALUE" each, sorted by name, ended by a null pointer. Valid as long as this object, also after a
  /// move of it.
  [[nodiscard]] char* const* envp() const { return pointers_.data(); }
  [[nodiscard]] std::size_t size() const { return pointers_.size() - 1; }
  /// The value of a variable; nullopt where it is not set.
  [[nodiscard]] std::optional<std::string_view> Find(std::string_view name) const;

 private:
  Environment() = default;
  std::vector<char> block_;
  std::vector<char*> pointers_;
};

}  // namespace hydrapool::cgi
