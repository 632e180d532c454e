#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hydrapool/connection.h"
#include "hydrapool/handler.h"
#include "pool/access/log.h"
#include "pool/cgi/guards.h"
#include "pool/cgi/handler.h"
#include "pool/cgi/mounts.h"
#include "pool/files/handler.h"
#include "pool/http/request_parser.h"
#include "pool/http/response_writer.h"
#include "pool/shared/request_counts.h"

namespace hydrapool::server {

struct SiteConfig {
  std::vector<cgi::Mount> mounts{};
  cgi::MountRules rules{};
  std::vector<cgi::Guard> guards{};
  std::string realm = "restricted";  ///< of all guards
  std::string group_file{};
  std::optional<cgi::Config> cgi{};  ///< where any mount has programs
  http::Limits heads{};
  cgi::Believed believed{};    ///< about who asks
  bool expose_worker = false;  ///< X-Worker: SLOT.INCARNATION in each response
  access::LogConfig access{};
};

/// The name by which the requests of a mount are counted: where it is.
void EnterParts(SiteParts& parts, const std::vector<cgi::Mount>& mounts);

/// The handler of `hydrapool`: HTTP in, and which program or file a path belongs to.
///
/// - `OPTIONS *`: 200 (RFC 9110, section 9.3.7)
/// - a guarded path (cgi::Guards) without its user's password: 401
/// - what a mount has: cgi::Handler, files::Handler
/// - `/`, where no mount has it: `hello\n`, or `hello QUERY\n`; answered in the worker, so that the pool
/// itself can be
///   measured
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
  /// With X-Worker and X-Request-Id, where answers have them.
  std::string OwedReply(const Connection& connection, Excuse excuse);

 private:
  /// The request that OnInput was asked about last, for its Begin.
  struct InHand {
    const http::Request* request = nullptr;             // the parser's last; null: it could not be read
    std::string id = {};                                // of the access log
    std::uint8_t part = 0;                              // of the site (SiteParts)
    std::vector<std::string> led_to = {};               // where guards may be: PathsOf
    std::optional<files::Handler::Prepared> file = {};  // nullopt: a program

    void Clear() {
      request = nullptr;
      id.clear();
      part = 0;
      led_to.clear();
      file.reset();
    }
  };

  Decision Decide(Connection& connection, std::string_view peeked);
  /// Of each mount, in their order, the number in SiteParts.
  [[nodiscard]] static std::vector<std::uint8_t> PartsOf(const WorkerContext& worker,
                                                         const std::vector<cgi::Mount>& mounts);
  /// The request in hand gets its id, and its docket where one is wanted.
  void Register(Connection& connection, const http::Request& request, bool starts);
  /// What comes before the first request of a connection, and who asks, as far as a peer is believed.
  std::optional<Decision> LookAtProxy(const Connection& connection, std::string_view peeked);
  /// As its path's guard says, and those of what it has led to: an index, what a symlink leads to.
  [[nodiscard]] bool MayPass(const http::Request& request, bool is_owned, const std::string& host);
  Decision OnFile(Connection& connection, const http::Request& request, const std::string& host,
                  std::string_view peeked);
  Decision Hello(const Connection& connection, const http::Request& request, std::string_view peeked);
  /// `says`: the methods that a 405 or OPTIONS names, or where a 301 leads, or the field of a 401.
  Reply Respond(const Connection& connection, const http::Request& request, std::size_t consume, int status,
                std::string_view body, std::string_view says = {});

  [[nodiscard]] Reply Refuse(const Connection& connection, std::string_view input,
                             const http::Refusal& refusal);
  /// Of an answer to what could not be read as a request, or was owed.
  [[nodiscard]] std::string LinesFor(const Connection& connection, std::string_view input);

  WorkerContext& worker_;
  const cgi::Believed believed_;
  http::RequestParser parser_;
  access::Log access_;
  std::string worker_line_;
  std::string extra_lines_;  // of the answer to the request in hand
  http::DateCache date_;
  const cgi::Mounts mounts_;
  const std::vector<std::uint8_t> parts_;  // of the mounts
  cgi::Guards guards_;
  std::optional<cgi::Handler> cgi_;
  files::Handler files_;
  InHand hand_;
  EventLoop::Timer close_file_;  // of a request that has gone to another worker
};

}  // namespace hydrapool::server
