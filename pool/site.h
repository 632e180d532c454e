#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pool/cgi/handler.h"
#include "pool/http/request_parser.h"
#include "pool/http/response_writer.h"
#include "pool/worker/connection.h"
#include "pool/worker/handler.h"

namespace hydrapool::server {

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
  Site(hydrapool::WorkerContext& worker, const SiteConfig& config);

  hydrapool::Step OnInput(hydrapool::Connection& connection, std::string_view peeked);
  std::unique_ptr<hydrapool::Execution> Resume(hydrapool::Connection& connection);
  static std::string AbandonedReply(hydrapool::Verdict verdict);

 private:
  hydrapool::Step Hello(const hydrapool::Connection& connection, const http::Request& request,
                        std::string_view peeked);
  hydrapool::Reply Respond(const hydrapool::Connection& connection, const http::Request& request,
                           std::size_t consume, int status, std::string_view body);

  hydrapool::WorkerContext& worker_;
  http::RequestParser parser_;
  std::string extra_lines_;
  http::DateCache date_;
  std::optional<cgi::Handler> cgi_;
};

}  // namespace hydrapool::server
