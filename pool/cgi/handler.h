#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hydrapool/connection.h"
#include "hydrapool/handler.h"
#include "pool/cgi/courier.h"
#include "pool/cgi/environment.h"
#include "pool/cgi/guards.h"
#include "pool/cgi/launch_waiter.h"
#include "pool/cgi/mounts.h"
#include "pool/cgi/place_waiter.h"
#include "pool/cgi/process.h"
#include "pool/cgi/program_rules.h"
#include "pool/cgi/spooler.h"
#include "pool/cgi/who_asks.h"
#include "pool/http/limits.h"
#include "pool/http/request.h"
#include "pool/http/request_parser.h"
#include "pool/sys/oom_score.h"

namespace hydrapool::cgi {

/// Answers what a local redirect has led to, where that is a file.
class FileAnswerer {
 public:
  /// kMost bytes at most; nullopt: it is larger by now. `lines`: of the answer.
  [[nodiscard]] virtual std::optional<Reply> AnswerWhole(const Connection& connection,
                                                         const http::Request& request, FileFound found,
                                                         std::size_t consume, std::string_view lines) = 0;
  static constexpr std::size_t kMost = std::size_t{32} * 1024;

 protected:
  ~FileAnswerer() = default;
};

struct Config {
  Believed believed{};             ///< about who asks
  const Guards* guards = nullptr;  ///< who may; asked before a request comes here, but for a local redirect
  FileAnswerer* files = nullptr;   ///< of the same worker; null: local redirects to files go to the client
  ServerFacts server{};            ///< its document_root is Mounts::document_root where none is given
  http::Limits heads{};
  HeadReading reading = HeadReading::kLenient;  ///< of what programs say
  bool set_id = false;             ///< programs may gain rights by set-id helpers: sendmail, sudo
  bool request_id_header = false;  ///< X-Request-Id in answers
  ResourceLimits limits{};
  std::string cgroup{};  ///< ProcessCgroups::directory; empty: none
  /// How long a program may let its client wait: for the beginning of its answer, and for more of it each
  /// time.
  sys::Nanos patience = 60 * sys::kSecond;
  std::vector<ProgramRule> rules{};         ///< over limits and patience, and the environment
  std::uint32_t max_processes = 256;        ///< at once, over the whole pool; past it they wait
  std::uint32_t max_of_client = 0;          ///< of these for one address; 0: no other limit
  std::uint32_t max_waiting = 1000;         ///< requests that wait for their program's turn; past it 503
  sys::Nanos wait = 10 * sys::kSecond;      ///< and for how long; then 503
  std::uint64_t max_body = 1ull << 30;      ///< past it 413
  std::uint32_t least_rate = 2048;          ///< of a body, bytes a second; past the deadline only
  std::uint64_t body_memory = 64ull << 20;  ///< for bodies that are made whole, over the whole pool
  std::string body_directory = "/var/tmp";  ///< where those that are larger or too many lie
};

/// Answers the requests for a site's programs (mounts.h) as CGI (RFC 3875).
///
/// A body of known length is given to the program as it comes, a small one that came with the head at once; a
/// chunked one is first made whole, so that CONTENT_LENGTH is true, and so is a large one on a UNIX socket:
/// bytes that are spliced from there are counted by nobody. See spooler.h and courier.h for what happens when
/// a worker dies: a request whose bytes are consumed or whose process has started is carried on, never
/// started twice.
///
/// A body that is made whole lies in memory up to kMostInMemory, and while there is room for it in
/// Config::body_memory; else in a file of Config::body_directory. Past Config::max_body it is a 413, where
/// the directory has no room a 503, and so are more bodies at once than the parent has descriptors for. Small
/// bodies that come with their head are not counted: max_processes of them are in memory at most, of kPeeked
/// bytes each; those that wait for their program's turn stay in their sockets.
///
/// Past Config::max_processes at once a program waits for its turn (place_waiter.h), and so where as many run
/// for its client's address, or by its ProgramRule, as may; then others come before it.
///
/// A local redirect (RFC 3875, section 6.2.2) is a second program with the same request, by GET and without
/// its body, or a file of FileAnswerer::kMost bytes. One to a larger file, to a directory without its slash,
/// to no mount or to a guarded path, for whose password the client is asked then, goes to the client.
///
/// One for each worker.
class Handler final : private BodyTaker, private Redirector, private Launcher, private LaunchTaker {
 public:
  /// What a head and its body may have together to be looked at in the socket; larger bodies are moved by
  /// splice.
  static constexpr std::size_t kPeeked = 16 * 1024;

  /// The mounts outlive it.
  Handler(WorkerContext& worker, const Config& config, const Mounts& mounts, std::string extra_lines);

  /// `request` was parsed from the beginning of `peeked`.
  Decision OnRequest(Connection& connection, const http::Request& request, std::string_view peeked);
  /// What there is to say while the rest of a body is to come: that its client should send it, once, where it
  /// waits for that (RFC 9110, section 10.1.1).
  static Decision AwaitBody(const Connection& connection, const http::Request& request);
  /// Starts the request for which OnRequest has just said Start.
  Begun Begin(Exchange& exchange, const http::Request& request, std::string_view peeked);
  /// Takes over a request whose process is leased with its connection.
  std::unique_ptr<Execution> Resume(Exchange& exchange);

 private:
  Begun Spool(Exchange& exchange, const http::Request& request, std::string_view peeked);
  std::unique_ptr<Spooler> MakeSpooler(Exchange& exchange, const http::Request& request,
                                       std::string_view head);
  Begun TakeBody(Exchange& exchange, std::string_view head, std::uint64_t length) override;
  [[nodiscard]] bool Redirects(Exchange& exchange, std::string_view path) override;
  Begun Redirect(Exchange& exchange) override;
  /// Whose mounts count.
  [[nodiscard]] std::string HostFor(const Connection& connection, const http::Request& request) const;
  [[nodiscard]] std::optional<Reply> AnswerByFile(const Exchange& exchange, const http::Request& request);
  /// The request's head, wherever it lies, into `into`; nullopt: its client is gone.
  [[nodiscard]] std::optional<http::Request> HeadOf(Exchange& exchange, std::string& into);
  /// The body of a request that has waited, from its socket. False: there is no memory for it.
  static bool Reread(const Exchange& exchange, const http::Request& request, Body& body);
  Reply RefusePlace(Exchange& exchange, std::string_view why) override;
  Reply RefuseLaunch(Exchange& exchange, int status, std::string_view why) override;
  /// How much of its request an answer takes away; 0: what is left of it is not known, and its connection
  /// ends.
  [[nodiscard]] static std::uint64_t LeftOf(const Exchange& exchange);
  [[nodiscard]] Reply RefuseRequest(const Exchange& exchange, const http::Request& request, int status,
                                    std::string_view why);
  // handler_launch.cc
  /// The program that a request is for, and who asks.
  struct Found {
    sys::Nanos began;  ///< to look for it
    Asker asker;
    Script script;
    ProgramSettings settings;
  };
  Begun Launch(Exchange& exchange, const http::Request& request, Body body);
  Begun LaunchAgain(Exchange& exchange, Body body) override;
  Begun Launched(Exchange& exchange) override;
  Begun Carry(Exchange& exchange, sys::UniqueFd program);
  struct Plumbing;
  std::optional<Plumbing> Plumb(int file, bool feeds) const;
  [[nodiscard]] tl::expected<Found, Refusal> Find(const Connection& connection,
                                                  const http::Request& request) const;
  Begun StartFound(Exchange& exchange, const http::Request& request, Found& found, const Body& body);
  sys::Result<Spawned> Spawn(RequestProcess& process, const Found& found, const Environment& environment,
                             const Plumbing& plumbing);
  [[nodiscard]] sys::Result<sys::UniqueFd> Order(const Exchange& exchange, const std::string& text,
                                                 const std::string& user, const Plumbing& plumbing) const;
  bool ClaimPlace(const Exchange& exchange, const PlaceRules& rules) const;
  [[nodiscard]] PlaceRules RulesFor(const Exchange& exchange, const ProgramSettings& settings,
                                    const std::string& client) const;
  std::uint64_t Ignored();
  Begun Wait(Exchange& exchange, const http::Request& request, Body body, const PlaceRules& rules);
  /// `why` of a 301: where it leads.
  [[nodiscard]] Reply Refuse(const Connection& connection, const http::Request& request,
                             std::uint64_t consume, int status, std::string_view why);
  /// The program's path, as far as a worker has noted it.
  [[nodiscard]] static std::string_view ScriptOf(const Connection& connection);
  [[nodiscard]] std::string NameOf(const Connection& connection, std::string_view path) const;

  WorkerContext& worker_;
  Config config_;
  const Mounts& mounts_;
  const ProgramRules rules_;
  CourierTools tools_;
  http::RequestParser parser_;
  const sys::UniqueFd nothing_;          ///< for programs without a body
  const sys::UniqueFd own_descriptors_;  ///< SpawnOptions'
  std::optional<std::uint64_t> ignored_;
};

}  // namespace hydrapool::cgi
