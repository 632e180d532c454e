#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pool/cgi/handler.h"
#include "pool/core/connection.h"
#include "pool/core/handler.h"
#include "pool/http/request_parser.h"
#include "pool/http/response_writer.h"

namespace server {

struct SiteConfig {
  std::optional<cgi::Config> cgi;
  bool expose_worker = false;  ///< X-Worker: SLOT.INCARNATION in each response
};

/// The handler of `hydrapool`: HTTP in, and to whom a path belongs.
///
/// - `/`: `hello\n`, or `hello QUERY\n`; answered in the worker, so that the pool itself can be measured
/// - `/cgi-bin/…`: cgi::Handler, where a directory is given
/// - else: 404
class Site {
 public:
  Site(pool::WorkerContext& worker, const SiteConfig& config);

  pool::Step OnInput(pool::Connection& connection, std::string_view peeked);
  std::unique_ptr<pool::Execution> Resume(pool::Connection& connection);
  static std::string AbandonedReply(pool::Verdict verdict);

 private:
  pool::Step Hello(const pool::Connection& connection, const http::Request& request, std::string_view peeked);
  pool::Reply Respond(const pool::Connection& connection, const http::Request& request, std::size_t consume,
                      int status, std::string_view body);

  pool::WorkerContext& worker_;
  http::RequestParser parser_;
  std::string extra_lines_;
  http::DateCache date_;
  std::optional<cgi::Handler> cgi_;
};

}  // namespace server
