#include "pool/cgi/handler.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <new>
#include <variant>
#include <vector>

#include "pool/access/entry.h"
#include "pool/cgi/body_file.h"
#include "pool/http/response_writer.h"
#include "pool/shared/body_budget.h"
#include "pool/shared/lease.h"
#include "pool/sys/error.h"
#include "pool/sys/log.h"
#include "pool/worker/worker_desk.h"

namespace hydrapool::cgi {
namespace {

/// Goes on where a worker died between the two programs of a local redirect.
class Redirection : public Execution {
 public:
  Redirection(Exchange& exchange, Redirector& redirector) : exchange_(exchange), redirector_(redirector) {}
  void OnStepDone() override {
    exchange_.BeginOnce();
    Begun begun = redirector_.Redirect(exchange_);
    if (auto* reply = std::get_if<Reply>(&begun)) {
      exchange_.Answer(std::move(*reply));
    } else {
      exchange_.Become(std::move(std::get<std::unique_ptr<Execution>>(begun)));
    }
  }
  void OnDeadline() override {}

 private:
  Exchange& exchange_;
  Redirector& redirector_;
};

}  // namespace

std::string_view Handler::ScriptOf(const Connection& connection) {
  return connection.docket().open() ? access::Entry::Of(connection).Get(access::Entry::Text::kScript)
                                    : "(taken over)";
}

Handler::Handler(WorkerContext& worker, const Config& config, const Mounts& mounts, std::string extra_lines)
    : worker_(worker),
      config_(config),
      mounts_(mounts),
      rules_({.patience = config.patience, .limits = config.limits, .environment = config.server.extra},
             config.rules),
      tools_(std::move(extra_lines), config.reading, config.request_id_header),
      parser_(config.heads),
      nothing_(sys::Check(::open("/dev/null", O_RDONLY | O_CLOEXEC), "open /dev/null")),
      own_descriptors_(::open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC)) {
  tools_.least_rate = config_.least_rate;
  tools_.oom_score = sys::OomScore();
}

std::string Handler::NameOf(const Connection& connection, std::string_view path) const {
  const std::string id = RequestIdOf(connection);
  return fmt::format("cgi {}.{}.{} {}{}{}", worker_.slot, worker_.incarnation, connection.slot(), id,
                     id.empty() ? "" : " ", path);
}

Reply Handler::Refuse(const Connection& connection, const http::Request& request, std::uint64_t consume,
                      int status, std::string_view why) {
  const bool keep = request.keep_alive && consume > 0 && !connection.IsLast(consume);
  if (status == 413) worker_.internals.run_into = Limit::kBodySize;
  std::string lines = tools_.LinesFor(connection);
  if (status == 503) lines += "Retry-After: 1\r\n";
  if (status == 301) lines += fmt::format("Location: {}\r\n", why);
  return {.consume = consume,
          .bytes = http::ErrorResponse(status, keep, request.method == "HEAD", status == 301 ? "" : why,
                                       tools_.date.At(worker_.loop.now()), request.minor_version, lines),
          .keep_open = keep,
          .kind = static_cast<std::uint8_t>(status / 100)};
}

Reply Handler::RefusePlace(Exchange& exchange, std::string_view why) {
  return RefuseLaunch(exchange, 503, why);
}

Reply Handler::RefuseLaunch(Exchange& exchange, int status, std::string_view why) {
  std::string head;
  const auto request = HeadOf(exchange, head);
  if (!request) return {.keep_open = false};
  if (status != 503) sys::log::Info("{}: {}: {}", NameOf(exchange.connection(), request->path), status, why);
  return RefuseRequest(exchange, *request, status, why);
}

std::uint64_t Handler::LeftOf(const Exchange& exchange) {
  const CourierNotes& notes = NotesOf(exchange);
  const bool consumed = exchange.total_consumed() != notes.request_begin;  // a chunked body is
  return notes.feeds || consumed ? 0 : notes.request_total;
}

Reply Handler::RefuseRequest(const Exchange& exchange, const http::Request& request, int status,
                             std::string_view why) {
  return Refuse(exchange.connection(), request, LeftOf(exchange), status, why);
}

Decision Handler::OnRequest(Connection& connection, const http::Request& request, std::string_view peeked) {
  const bool chunked = request.body == http::BodyKind::kChunked;
  if (request.content_length > config_.max_body)
    return Refuse(connection, request, 0, 413, "the request's body is too large");
  const std::uint64_t whole = request.head_size + request.content_length;
  const bool small = !chunked && whole <= kPeeked;
  if (!small || peeked.size() >= whole) return Start{};
  return AwaitBody(connection, request);
}

Decision Handler::AwaitBody(const Connection& connection, const http::Request& request) {
  // Noted as what will have been sent then, so that a death between the note and the sending is no promise
  // broken.
  connection.notes<CourierNotes>().awaits_body = true;
  std::uint64_t& sent = connection.notes<CourierNotes>().continue_sent;
  if (!request.expect_continue || (sent != 0 && connection.total_sent() >= sent)) return NeedMore{};
  sent = connection.total_sent() + http::kContinue.size();
  return Reply{.consume = 0, .bytes = std::string(http::kContinue), .interim = true};
}

Begun Handler::Begin(Exchange& exchange, const http::Request& request, std::string_view peeked) {
  CourierNotes& notes = *new (&NotesOf(exchange)) CourierNotes{
      .request_total = request.head_size + request.content_length,
      .request_begin = exchange.total_consumed(),
      .sent_begin = exchange.total_sent(),
      .patience = rules_.Of(request.path).patience,
      .timed_at = exchange.total_sent() + exchange.total_consumed(),
      .request_head = static_cast<std::uint32_t>(request.head_size),
      .keep_alive = request.keep_alive,
      .head_request = request.method == "HEAD",
      .may_chunk = request.minor_version >= 1,
  };
  exchange.SetDeadline(sys::Now() + notes.patience);
  const bool chunked = request.body == http::BodyKind::kChunked;
  const bool fits = !chunked && request.head_size + request.content_length <= kPeeked;
  if (!fits) {
    std::memcpy(exchange.buffer().data() + kRequestHeadAt, peeked.data(), request.head_size);
    notes.wants_continue = request.expect_continue;
    notes.spools = chunked || exchange.process().detail().keeps_ledger;
    notes.feeds = !notes.spools;
    if (notes.spools) return Spool(exchange, request, peeked.substr(0, request.head_size));
    return Launch(exchange, request, {.length = request.content_length, .feed = true});
  }
  const std::string_view body = peeked.substr(request.head_size, request.content_length);
  if (body.empty()) return Launch(exchange, request, {});
  Body whole;
  if (!WholeBody(body, whole))
    return Refuse(exchange.connection(), request, 0, 503, "no memory for the request's body");
  return Launch(exchange, request, std::move(whole));
}

Begun Handler::Spool(Exchange& exchange, const http::Request& request, std::string_view head) {
  CourierNotes& notes = NotesOf(exchange);
  RequestProcess& process = exchange.process();
  const BodyBudget& bodies = process.bodies();
  notes.spool[0].at = notes.request_begin + notes.request_head;
  if (!bodies.Begin(process.lease(), worker_.internals.most_processes))
    return Refuse(exchange.connection(), request, 0, 503, "as many bodies are in the making as may at once");
  const bool in_memory = request.content_length <= kMostInMemory &&
                         bodies.ClaimMemory(process.lease(), config_.body_memory / kMostInMemory);
  sys::UniqueFd file = in_memory ? MemoryFile() : DiskFile(config_.body_directory);
  const bool made = static_cast<bool>(file);
  if (!made || !process.HoldBody(std::move(file))) {
    bodies.End(process.lease());
    return Refuse(exchange.connection(), request, 0, 503,
                  made ? "the pool's parent is too busy" : "no room for the request's body");
  }
  auto spooler = MakeSpooler(exchange, request, head);
  spooler->Start();
  return spooler;
}

std::unique_ptr<Spooler> Handler::MakeSpooler(Exchange& exchange, const http::Request& request,
                                              std::string_view head) {
  return std::make_unique<Spooler>(exchange, static_cast<BodyTaker&>(*this),
                                   Spooler::Plan{.head = std::string(head),
                                                 .chunked = request.body == http::BodyKind::kChunked,
                                                 .most = config_.max_body,
                                                 .date = std::string(tools_.date.At(worker_.loop.now())),
                                                 .lines = tools_.LinesFor(exchange.connection()),
                                                 .directory = config_.body_directory,
                                                 .name = NameOf(exchange.connection(), request.path),
                                                 .least_rate = config_.least_rate});
}

Begun Handler::TakeBody(Exchange& exchange, std::string_view head, std::uint64_t length) {
  const auto parsed = parser_.Parse(head);  // it was parsed before, so it is one
  return Launch(exchange, *std::get<const http::Request*>(parsed),
                {.file = exchange.process().end(ProcessEnd::kBody), .length = length});
}

bool Handler::Reread(const Exchange& exchange, const http::Request& request, Body& body) {
  std::string whole(request.head_size + body.length, '\0');
  if (exchange.Peek(whole) != whole.size()) return false;
  return WholeBody(std::string_view(whole).substr(request.head_size), body);
}

std::optional<http::Request> Handler::HeadOf(Exchange& exchange, std::string& into) {
  const CourierNotes& notes = NotesOf(exchange);
  into.resize(notes.request_head);
  if (notes.feeds || notes.spools || exchange.total_consumed() != notes.request_begin) {
    std::memcpy(into.data(), exchange.buffer().data() + kRequestHeadAt, into.size());
  } else if (exchange.Peek(into) != into.size()) {
    return std::nullopt;
  }
  return *std::get<const http::Request*>(parser_.Parse(into));
}

std::string Handler::HostFor(const Connection& connection, const http::Request& request) const {
  return mounts_.has_hosts() ? HostOf(connection, request, config_.believed) : "";
}

bool Handler::Redirects(Exchange& exchange, std::string_view path) {
  std::string head;
  const auto request = HeadOf(exchange, head);
  const std::string host = request ? HostFor(exchange.connection(), *request) : "";
  if (!request || !mounts_.OwnerOf(path, host)) return false;
  const auto target = mounts_.Find(path, host);
  const Guards* const guards = config_.guards;
  if (guards != nullptr && (guards->Covers(path) || (target && guards->CoversAny(PathsOf(*target)))))
    return false;
  if (!target || std::holds_alternative<Script>(*target)) return true;
  const auto* const file = std::get_if<FileFound>(&*target);
  const auto most = static_cast<off_t>(FileAnswerer::kMost);
  return file != nullptr && config_.files != nullptr && file->info.st_size <= most;
}

std::optional<Reply> Handler::AnswerByFile(const Exchange& exchange, const http::Request& request) {
  const Connection& connection = exchange.connection();
  auto target = mounts_.Find(request.path, HostFor(connection, request));
  auto* const file = target ? std::get_if<FileFound>(&*target) : nullptr;
  if (file == nullptr || config_.files == nullptr) return std::nullopt;
  return config_.files->AnswerWhole(connection, request, std::move(*file), LeftOf(exchange),
                                    tools_.LinesFor(connection));
}

Begun Handler::Redirect(Exchange& exchange) {
  CourierNotes& notes = NotesOf(exchange);
  const std::string location(exchange.buffer().data() + kRequestHeadAt + notes.request_head, notes.location);
  std::string head;
  auto found = HeadOf(exchange, head);
  if (!found) return nullptr;
  http::Request request = *found;
  std::vector<http::Field> fields;
  std::ranges::copy_if(request.fields, std::back_inserter(fields), [](const http::Field& field) {
    return !http::EqualsIgnoringCase(field.name, "Content-Type");
  });
  const auto mark = location.find('?');
  request.fields = fields;
  request.method = notes.head_request ? "HEAD" : "GET";
  request.target = location;
  request.path = request.target.substr(0, mark);
  request.has_query = mark != location.npos;
  request.query = request.has_query ? request.target.substr(mark + 1) : std::string_view();
  request.body = http::BodyKind::kNone;
  request.content_length = 0;
  exchange.SetDeadline(sys::Now() + notes.patience);
  if (auto reply = AnswerByFile(exchange, request)) return std::move(*reply);
  return Launch(exchange, request, {});
}

std::unique_ptr<Execution> Handler::Resume(Exchange& exchange) {
  RequestProcess& process = exchange.process();
  const CourierNotes& notes = NotesOf(exchange);
  if (!process.state().answers() && notes.location > 0)
    return std::make_unique<Redirection>(exchange, static_cast<Redirector&>(*this));
  if (!process.state().answers() && notes.spools) {
    if (process.end(ProcessEnd::kBody) < 0) return nullptr;
    const std::string_view head(exchange.buffer().data() + kRequestHeadAt, notes.request_head);
    return MakeSpooler(exchange, *std::get<const http::Request*>(parser_.Parse(head)), head);
  }
  HandOverBody(process);
  return std::make_unique<Courier>(exchange, tools_, static_cast<Redirector&>(*this),
                                   NameOf(exchange.connection(), ScriptOf(exchange.connection())));
}

}  // namespace hydrapool::cgi
