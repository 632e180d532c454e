#include "pool/site.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "pool/cgi/courier_notes.h"
#include "pool/http/response_writer.h"
#include "pool/shared/scoreboard.h"
#include "pool/worker/worker_desk.h"

namespace hydrapool::server {
namespace {

constexpr std::string_view kAllowed = "GET, HEAD, POST, OPTIONS";
constexpr std::string_view kAllowedOfFiles = "GET, HEAD, OPTIONS";
constexpr std::array<std::string_view, 8> kKnownMethods{"GET",    "HEAD",    "POST",  "PUT",
                                                        "DELETE", "OPTIONS", "TRACE", "PATCH"};

std::string WorkerLine(const WorkerContext& worker, bool expose) {
  return expose ? fmt::format("X-Worker: {}.{}\r\n", worker.slot, worker.incarnation) : "";
}

std::string NameOf(const cgi::Mount& mount) {
  return mount.host.empty() ? mount.at : "//" + mount.host + mount.at;
}

/// What a symlink leads to may need a password where it lies.
cgi::MountRules RulesOf(const SiteConfig& config) {
  cgi::MountRules rules = config.rules;
  rules.scripts.traces = !config.guards.empty();
  return rules;
}

// No body: a client that asked by HEAD must not take one for the next answer.
std::string LastWord(Excuse excuse, std::string_view lines) {
  const int status = excuse == Excuse::kTooSlow       ? 408
                     : excuse == Excuse::kUrgent      ? 400
                     : excuse == Excuse::kUnavailable ? 503
                                                      : 502;
  std::string reply;
  http::AppendHead(reply, {.status = status,
                           .keep_alive = false,
                           .content_length = 0,
                           .extra = fmt::format("{}{}", lines, status == 503 ? "Retry-After: 1\r\n" : "")});
  return reply;
}

}  // namespace

Site::Site(WorkerContext& worker, const SiteConfig& config)
    : worker_(worker),
      believed_(config.believed),
      parser_(config.heads),
      access_(worker, config.access),
      worker_line_(WorkerLine(worker, config.expose_worker)),
      extra_lines_(worker_line_),
      mounts_(config.mounts, RulesOf(config)),
      parts_(PartsOf(worker, config.mounts)),
      guards_(config.guards, config.realm, config.group_file),
      files_(worker, extra_lines_) {
  if (!config.cgi) return;
  cgi::Config programs = *config.cgi;
  programs.guards = &guards_;
  programs.files = &files_;
  programs.request_id_header = config.access.request_id_header;
  cgi_.emplace(worker, programs, mounts_, worker_line_);
}

void EnterParts(SiteParts& parts, const std::vector<cgi::Mount>& mounts) {
  for (const cgi::Mount& mount : mounts) {
    if (mount.kind != cgi::Mount::Kind::kWith) parts.Enter(NameOf(mount));
  }
}

std::vector<std::uint8_t> Site::PartsOf(const WorkerContext& worker, const std::vector<cgi::Mount>& mounts) {
  std::vector<std::uint8_t> parts;
  for (const cgi::Mount& mount : mounts) {
    parts.push_back(worker.internals.scoreboard->parts().Find(NameOf(mount)));
  }
  return parts;
}

Begun Site::Begin(Exchange& exchange, std::string_view peeked) {
  if (hand_.file) return files_.Begin(exchange, *hand_.request, *std::exchange(hand_.file, std::nullopt));
  return cgi_->Begin(exchange, *hand_.request, peeked);
}

std::unique_ptr<Execution> Site::Resume(Exchange& exchange) {
  if (files::HasFileNotes(exchange.connection())) return files::Handler::Resume(exchange);
  return cgi_ ? cgi_->Resume(exchange) : nullptr;
}

std::string Site::AbandonedReply(Excuse excuse) { return LastWord(excuse, ""); }

std::string Site::OwedReply(const Connection& connection, Excuse excuse) {
  return LastWord(excuse, LinesFor(connection, ""));
}

std::string Site::LinesFor(const Connection& connection, std::string_view input) {
  if (!access_.has_header()) return worker_line_;
  return fmt::format("{}X-Request-Id: {}\r\n", worker_line_, access_.IdOf(connection, input));
}

Reply Site::Refuse(const Connection& connection, std::string_view input, const http::Refusal& refusal) {
  if (refusal.status == 414 || refusal.status == 431) worker_.internals.run_into = Limit::kHeadSize;
  return {.consume = 0,
          .bytes = http::ErrorResponse(refusal.status, false, input.starts_with("HEAD "), refusal.why,
                                       date_.At(worker_.loop.now()), 1, LinesFor(connection, input)),
          .keep_open = false,
          .kind = static_cast<std::uint8_t>(refusal.status / 100)};
}

std::optional<Decision> Site::LookAtProxy(const Connection& connection, std::string_view peeked) {
  if (connection.request_begin() != 0) return std::nullopt;
  const auto seen = cgi::TakeProxyHeader(connection, peeked, believed_);
  if (!seen) return std::nullopt;
  if (std::holds_alternative<http::NeedMore>(*seen)) return NeedMore{};
  if (const auto* refusal = std::get_if<http::Refusal>(&*seen)) return Refuse(connection, peeked, *refusal);
  return Reply{.consume = std::get<std::size_t>(*seen), .interim = true};
}

void Site::Register(Connection& connection, const http::Request& request, bool starts) {
  if (!access_.on() && !starts) return;
  access::Log::Asked asked{.part = hand_.part};
  if (access_.on()) {
    const auto asks = cgi::WhoAsks(connection, request, believed_, "http");
    if (const auto* asker = std::get_if<cgi::Asker>(&asks)) asked.client = asker->client.remote_address;
    asked.user = guards_.UserOf(request, hand_.led_to).value_or("");
  }
  if (hand_.id.empty()) hand_.id = access_.IdOf(connection, request);
  access_.Open(connection, request, hand_.id, asked);
}

Decision Site::OnInput(Connection& connection, std::string_view peeked) {
  hand_.Clear();
  extra_lines_ = worker_line_;
  worker_.internals.run_into.reset();
  Decision decision = Decide(connection, peeked);
  if (hand_.file) close_file_ = worker_.loop.At(0, [this] { hand_.file.reset(); });
  Reply* const reply = std::get_if<Reply>(&decision);
  if (reply != nullptr) reply->part = hand_.part;
  if (auto* const start = std::get_if<Start>(&decision)) start->part = hand_.part;
  if (std::holds_alternative<NeedMore>(decision) || (reply != nullptr && reply->interim)) return decision;
  if (hand_.request != nullptr) {
    Register(connection, *hand_.request, reply == nullptr);
  } else if (access_.on() && !connection.docket().open()) {
    access_.OpenUnread(connection, peeked);
  }
  return decision;
}

Decision Site::Decide(Connection& connection, std::string_view peeked) {
  if (!believed_.peers.empty()) {
    if (auto decision = LookAtProxy(connection, peeked)) return std::move(*decision);
  }
  const auto parsed = parser_.Parse(peeked);
  if (std::holds_alternative<http::NeedMore>(parsed)) return NeedMore{};
  if (const auto* refusal = std::get_if<http::Refusal>(&parsed)) return Refuse(connection, peeked, *refusal);
  const http::Request& request = *(hand_.request = std::get<const http::Request*>(parsed));
  if (access_.has_header()) {
    hand_.id = access_.IdOf(connection, request);
    extra_lines_ = fmt::format("{}X-Request-Id: {}\r\n", worker_line_, hand_.id);
  }
  const std::string host = mounts_.has_hosts() ? cgi::HostOf(connection, request, believed_) : "";
  const auto owner = mounts_.OwnerOf(request.path, host);
  if (owner) hand_.part = parts_[owner->number];
  if (!MayPass(request, owner.has_value(), host)) {
    const bool empty = request.body != http::BodyKind::kChunked && request.content_length == 0;
    return Respond(connection, request, empty ? request.head_size : 0, 401, "", guards_.challenge());
  }
  if (owner) {
    return owner->kind == cgi::Mount::Kind::kFiles ? OnFile(connection, request, host, peeked)
                                                   : cgi_->OnRequest(connection, request, peeked);
  }
  const bool bare = request.body != http::BodyKind::kChunked && request.content_length == 0;
  const std::size_t consume = bare ? request.head_size : 0;
  if (std::ranges::find(kKnownMethods, request.method) == kKnownMethods.end())
    return Respond(connection, request, consume, 501, "");
  if (request.method == "OPTIONS" && (request.path == "*" || request.path == "/"))
    return Respond(connection, request, consume, 200, "");
  if (request.path == "/") return Hello(connection, request, peeked);
  return Respond(connection, request, consume, 404, "");
}

bool Site::MayPass(const http::Request& request, bool is_owned, const std::string& host) {
  if (!guards_.Passes(request)) return false;
  if (!is_owned || !guards_.any()) return true;
  const auto target = mounts_.Find(request.path, host);
  if (target) hand_.led_to = cgi::PathsOf(*target);
  return guards_.PassesTo(request, hand_.led_to);
}

Decision Site::OnFile(Connection& connection, const http::Request& request, const std::string& host,
                      std::string_view peeked) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const bool chunked = request.body == http::BodyKind::kChunked;
  const bool bare = !chunked && request.content_length == 0;
  const std::uint64_t whole = request.head_size + request.content_length;
  const bool fits = !chunked && whole <= cgi::Handler::kPeeked;
  const bool is_known = reads || connection.notes<cgi::CourierNotes>().awaits_body;
  if (is_known && fits && peeked.size() < whole) return cgi::Handler::AwaitBody(connection, request);
  auto target = mounts_.Find(request.path, host);
  if (target && std::holds_alternative<cgi::Script>(*target))
    return cgi_->OnRequest(connection, request, peeked);
  if (!reads || !fits) {
    const bool known = std::ranges::find(kKnownMethods, request.method) != kKnownMethods.end();
    const int status = !known ? 501 : request.method == "OPTIONS" ? 200 : !reads ? 405 : chunked ? 411 : 413;
    return Respond(connection, request, bare ? request.head_size : 0, status, "", kAllowedOfFiles);
  }
  if (!target) return Respond(connection, request, whole, target.error().status, "");
  if (const auto* missing = std::get_if<cgi::SlashMissing>(&*target)) {
    const std::string query = request.has_query ? "?" + std::string(request.query) : "";
    return Respond(connection, request, whole, 301, "", missing->path + query);
  }
  return files_.OnRequest(connection, request, std::move(std::get<cgi::FileFound>(*target)), whole,
                          hand_.file);
}

Decision Site::Hello(const Connection& connection, const http::Request& request, std::string_view peeked) {
  if (request.method != "GET" && request.method != "HEAD" && request.method != "POST") {
    const bool bare = request.body != http::BodyKind::kChunked && request.content_length == 0;
    return Respond(connection, request, bare ? request.head_size : 0, 405, "");
  }
  if (request.body == http::BodyKind::kChunked) return Respond(connection, request, 0, 411, "");
  const std::uint64_t whole = request.head_size + request.content_length;
  if (whole > cgi::Handler::kPeeked) return Respond(connection, request, 0, 413, "");
  if (peeked.size() < whole) return cgi::Handler::AwaitBody(connection, request);
  const std::string body = request.has_query ? fmt::format("hello {}\n", request.query) : "hello\n";
  return Respond(connection, request, whole, 200, body);
}

Reply Site::Respond(const Connection& connection, const http::Request& request, std::size_t consume,
                    int status, std::string_view body, std::string_view says) {
  const bool keep = request.keep_alive && consume > 0 && !connection.IsLast(consume);
  if (status == 413) worker_.internals.run_into = Limit::kBodySize;
  const bool head_only = request.method == "HEAD";
  const std::string_view date = date_.At(worker_.loop.now());
  const bool options = request.method == "OPTIONS" && status == 200;
  std::string& lines = extra_lines_;
  if (options || status == 405) lines += fmt::format("Allow: {}\r\n", says.empty() ? kAllowed : says);
  if (status == 401) lines += says;
  if (status == 301) lines += fmt::format("Location: {}\r\n", says);
  Reply reply{.consume = consume,
              .keep_open = keep,
              .linger = request.keep_alive || consume == 0,
              .kind = static_cast<std::uint8_t>(status / 100)};
  if (status != 200) {
    reply.bytes = http::ErrorResponse(status, keep, head_only, "", date, request.minor_version, lines);
    return reply;
  }
  reply.bytes.reserve(256);
  http::AppendHead(reply.bytes, {.status = status,
                                 .keep_alive = keep,
                                 .minor_version = request.minor_version,
                                 .content_length = body.size(),
                                 .content_type = options ? std::string_view() : "text/plain",
                                 .date = date,
                                 .extra = lines});
  if (!head_only) reply.bytes += body;
  return reply;
}

}  // namespace hydrapool::server
