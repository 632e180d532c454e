#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hydrapool/connection.h"
#include "hydrapool/handler.h"
#include "pool/cgi/handler.h"
#include "pool/http/request_parser.h"
#include "pool/http/response_writer.h"

namespace hydrapool::server {

struct SiteConfig {
  std::optional<cgi::Config> cgi;
  http::Limits heads{};
  cgi::Believed believed{};    ///< about who asks
  bool expose_worker = false;  ///< X-Worker: SLOT.INCARNATION in each response
};

/// The handler of `hydrapool`: HTTP in, and which program a path belongs to.
///
/// - `/`: `hello\n`, or `hello QUERY\n`; answered in the worker, so that the pool itself can be measured
/// - `OPTIONS *`: 200 (RFC 9110, section 9.3.7)
/// - `/cgi-bin/…`: cgi::Handler, where a directory is given
/// - else: 404, and 501 for unknown methods
///
/// Peers that are believed may send a PROXY header before their first request, and tell of their clients in
/// fields (cgi::WhoAsks).
class Site {
 public:
  Site(WorkerContext& worker, const SiteConfig& config);

  Decision OnInput(Connection& connection, std::string_view peeked);
  Begun Begin(Exchange& exchange, std::string_view peeked);
  std::unique_ptr<Execution> Resume(Exchange& exchange);
  static std::string AbandonedReply(Excuse excuse);

 private:
  /// What comes before the first request of a connection, and who asks, as far as a peer is believed.
  std::optional<Decision> LookAtProxy(const Connection& connection, std::string_view peeked);
  Decision Hello(const Connection& connection, const http::Request& request, std::string_view peeked);
  Reply Respond(const Connection& connection, const http::Request& request, std::size_t consume, int status,
                std::string_view body);

  [[nodiscard]] Reply Refuse(const http::Refusal& refusal, bool head_only);

  WorkerContext& worker_;
  const cgi::Believed believed_;
  http::RequestParser parser_;
  const http::Request* request_ = nullptr;  // the one to begin: the parser's last
  std::string extra_lines_;
  http::DateCache date_;
  std::optional<cgi::Handler> cgi_;
};

}  // namespace hydrapool::server
