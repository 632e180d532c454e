#include "pool/cgi/handler.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <new>
#include <variant>

#include "pool/cgi/spooler.h"
#include "pool/http/response_writer.h"
#include "pool/sys/error.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"
#include "pool/sys/socket.h"

namespace hydrapool::cgi {
namespace {

/// In notes that no courier has written yet: "100 Continue" has been sent. Survives the worker, like all
/// notes.
constexpr std::size_t kContinueSent = sizeof(CourierNotes);

struct Pipe {
  sys::UniqueFd read;
  sys::UniqueFd write;
};

std::optional<Pipe> MakePipe() {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{sys::UniqueFd(ends[0]), sys::UniqueFd(ends[1])};
}

// The flag belongs to the open pipe's end: the program's own end stays blocking.
void SetNonBlocking(const sys::UniqueFd& fd) {
  ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
}

struct Address {
  std::string host;
  std::uint16_t port = 0;
};

Address SplitAddress(const std::string& text) {
  const auto parts = sys::SplitHostPort(text);
  Address address;
  if (!parts) return address;
  address.host = parts->host;
  std::from_chars(parts->port.data(), parts->port.data() + parts->port.size(), address.port);
  return address;
}

struct GateContext {
  hydrapool::LeaseDetail* detail;
  pid_t preparer;
};

bool MayExec(void* context, pid_t self) {
  const auto* gate = static_cast<const GateContext*>(context);
  return hydrapool::Connection::PassGate(*gate->detail, gate->preparer, self);
}

void ExecFailed(void* context, int error) {
  hydrapool::Connection::ExecFailed(*static_cast<const GateContext*>(context)->detail, error);
}

}  // namespace

static_assert(kContinueSent % alignof(std::uint64_t) == 0);
static_assert(kContinueSent + sizeof(std::uint64_t) <= sizeof(hydrapool::LeaseDetail::handler));

Handler::Handler(hydrapool::WorkerContext& worker, const Config& config, std::string extra_lines)
    : worker_(worker),
      config_(config),
      scripts_(config.directory, config.url_prefix),
      tools_(std::move(extra_lines)) {}

std::string Handler::NameOf(const hydrapool::Connection& connection, std::string_view path) const {
  return fmt::format("cgi {}.{}.{} {}", worker_.slot, worker_.incarnation, connection.slot(), path);
}

hydrapool::Reply Handler::Refuse(const http::Request& request, std::uint64_t consume, int status,
                                 std::string_view why) {
  const bool keep = request.keep_alive && consume > 0 && !worker_.pool_drains();
  return {.consume = consume,
          .bytes = http::ErrorResponse(
              status, keep, request.method == "HEAD", why, tools_.date.At(worker_.loop.now()),
              request.minor_version,
              fmt::format("{}{}", tools_.extra_lines(), status == 503 ? "Retry-After: 1\r\n" : "")),
          .keep_open = keep,
          .kind = static_cast<std::uint8_t>(status / 100)};
}

hydrapool::Step Handler::OnRequest(hydrapool::Connection& connection, const http::Request& request,
                                   std::string_view peeked) {
  const bool chunked = request.body == http::BodyKind::kChunked;
  if (request.content_length > config_.max_body)
    return Refuse(request, 0, 413, "the request's body is too large");
  const std::uint64_t whole = request.head_size + request.content_length;
  const bool small = !chunked && whole <= kPeeked;
  if (small && peeked.size() < whole) {
    // Noted as what will have been sent then, so that a death between the note and the sending is no promise
    // broken.
    auto& sent = *reinterpret_cast<std::uint64_t*>(&connection.notes()[kContinueSent]);
    if (!request.expect_continue || (sent != 0 && connection.total_sent() >= sent))
      return hydrapool::NeedMore{};
    sent = connection.total_sent() + http::kContinue.size();
    return hydrapool::Reply{.consume = 0, .bytes = std::string(http::kContinue), .interim = true};
  }
  *reinterpret_cast<std::uint64_t*>(&connection.notes()[kContinueSent]) = 0;
  std::string head(peeked.substr(0, request.head_size));
  std::string body(small ? peeked.substr(request.head_size, request.content_length) : std::string_view());
  return hydrapool::Start{[this, head = std::move(head), body = std::move(body)](hydrapool::Connection& c) {
    return Begin(c, head, body);
  }};
}

hydrapool::Begun Handler::Begin(hydrapool::Connection& connection, const std::string& head,
                                std::string_view body) {
  const auto parsed = parser_.Parse(head);
  const http::Request& request = *std::get<const http::Request*>(parsed);
  CourierNotes& notes = *new (connection.notes().data()) CourierNotes{
      .request_total = request.head_size + request.content_length,
      .request_begin = connection.total_consumed(),
      .sent_begin = connection.total_sent(),
      .patience = config_.patience,
      .timed_at = connection.total_sent() + connection.total_consumed(),
      .request_head = static_cast<std::uint32_t>(request.head_size),
      .keep_alive = request.keep_alive,
      .head_request = request.method == "HEAD",
      .may_chunk = request.minor_version >= 1,
  };
  connection.SetDeadline(sys::Now() + notes.patience);
  if (request.body == http::BodyKind::kChunked) {
    if (tools_.budget.bodies() >= worker_.most_processes)
      return Refuse(request, 0, 503, "as many bodies are in the making as may at once");
    return std::make_unique<Spooler>(
        connection, tools_.budget, config_.max_spooled_body, request.expect_continue,
        tools_.date.At(worker_.loop.now()),
        [this, &connection, head](sys::UniqueFd file, std::uint64_t length) {
          const auto again = parser_.Parse(head);
          return Launch(connection, *std::get<const http::Request*>(again), {std::move(file), length, false});
        });
  }
  const bool small = body.size() == request.content_length;
  if (!small) {
    notes.feeds = true;
    notes.wants_continue = request.expect_continue;
    return Launch(connection, request, {{}, request.content_length, true});
  }
  if (body.empty()) return Launch(connection, request, {});
  sys::UniqueFd file = MemoryFile();
  if (!file || ::pwrite(file.get(), body.data(), body.size(), 0) != static_cast<ssize_t>(body.size())) {
    return Refuse(request, 0, 503, "no memory for the request's body");
  }
  return Launch(connection, request, {std::move(file), body.size(), false});
}

hydrapool::Begun Handler::Launch(hydrapool::Connection& connection, const http::Request& request, Body body) {
  const sys::Nanos began = sys::Now();
  const bool consumed =
      connection.total_consumed() != NotesOf(connection).request_begin;  // a chunked body is
  const std::uint64_t consume = body.feed || consumed ? 0 : NotesOf(connection).request_total;
  const auto refuse = [&](int status, std::string_view why) {
    sys::log::Info("{}: {}: {}", NameOf(connection, request.path), status, why);
    return Refuse(request, consume, status, why);
  };
  const auto script = scripts_.Resolve(request.path);
  if (!script) return refuse(script.error().status, script.error().reason);
  if (worker_.counts.processes.load(std::memory_order_relaxed) >=
      std::min<std::size_t>(config_.max_processes, worker_.most_processes)) {
    return refuse(503, "as many programs run as may at once");
  }
  const Address peer = SplitAddress(connection.peer());
  const Address local = SplitAddress(connection.local());
  ClientFacts client{.remote_address = peer.host,
                     .remote_port = peer.port,
                     .server_address = local.host,
                     .server_port = local.port};
  if (request.body == http::BodyKind::kChunked) client.body_length = body.length;
  const auto environment = Environment::Build(request, *script, config_.server, client);
  if (!environment) return refuse(431, "the request's fields do not fit an environment");

  auto output = MakePipe();
  auto errors = MakePipe();
  auto input = body.feed ? MakePipe() : Pipe{};
  sys::UniqueFd nothing(body.feed || body.file ? -1 : ::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int in = body.feed && input ? input->read.get() : body.file ? body.file.get() : nothing.get();
  if (!output || !errors || in < 0) return refuse(503, "no descriptor left for the program's pipes");
  if (body.file) ::lseek(body.file.get(), 0, SEEK_SET);
  SetNonBlocking(output->read);
  SetNonBlocking(errors->read);
  if (body.feed) SetNonBlocking(input->write);

  connection.Prepare();
  if (!connection.Offer(std::move(output->read), std::move(input->write), std::move(errors->read))) {
    return refuse(503, "the pool's parent is too busy");
  }
  GateContext gate{&connection.detail(), ::getpid()};
  std::array<char*, 2> argv{const_cast<char*>(script->file.c_str()), nullptr};
  const auto spawned = Spawn({.directory_fd = script->directory.get(),
                              .program = script->file,
                              .argv = argv.data(),
                              .envp = environment->envp(),
                              .stdin_fd = in,
                              .stdout_fd = output->write.get(),
                              .stderr_fd = errors->write.get(),
                              .expected_parent = worker_.parent,
                              .limits = config_.limits,
                              .gate = {&MayExec, &ExecFailed, &gate}});
  HYDRAPOOL_FAILPOINT("cgi.spawned");
  if (!spawned) return refuse(503, spawned.error().message);
  if (spawned->start != Spawned::Start::kExecuted) {
    return refuse(500, fmt::format("the program cannot be executed: {}",
                                   std::generic_category().message(spawned->error)));
  }
  worker_.board.executions_started.Add();
  worker_.board.execution_start_seconds.Observe(sys::Now() - began);
  auto courier = std::make_unique<Courier>(connection, tools_, NameOf(connection, request.path));
  courier->Start();
  return courier;
}

std::unique_ptr<hydrapool::Execution> Handler::Resume(hydrapool::Connection& connection) {
  return std::make_unique<Courier>(connection, tools_, NameOf(connection, "(taken over)"));
}

}  // namespace hydrapool::cgi
