// How a request's program is started: what it is connected to, what it is told, and the gate before it.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "pool/access/entry.h"
#include "pool/cgi/handler.h"
#include "pool/shared/body_budget.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"
#include "pool/worker/worker_desk.h"

namespace hydrapool::cgi {
namespace {

constexpr int kProgramOomScore = 250;  // above its worker's

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

/// What a program is connected to: its ends, and what its worker and the parent keep of them.
struct Plumbing {
  Pipe output;
  Pipe errors;
  Pipe input;             // where its body is fed
  sys::UniqueFd nothing;  // where it has no body
  int in = -1;            // the program's standard input
};

/// `file`: of a whole body; -1: none. Empty: no descriptor is left.
std::optional<Plumbing> Plumb(int file, bool feeds) {
  auto output = MakePipe();
  auto errors = MakePipe();
  if (!output || !errors) return std::nullopt;
  Plumbing made{.output = std::move(*output), .errors = std::move(*errors), .input = {}, .nothing = {}};
  if (feeds) {
    auto input = MakePipe();
    if (!input) return std::nullopt;
    SetNonBlocking(input->write);
    made.input = std::move(*input);
    made.in = made.input.read.get();
  } else if (file >= 0) {
    ::lseek(file, 0, SEEK_SET);
    made.in = file;
  } else {
    made.nothing.Reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!made.nothing) return std::nullopt;
    made.in = made.nothing.get();
  }
  SetNonBlocking(made.output.read);
  SetNonBlocking(made.errors.read);
  return made;
}

struct GateContext {
  ProcessPlaces::Place* place;
  std::uint32_t claimant;
  const BodyBudget* bodies;
  std::uint32_t lease;
  LeaseDetail* detail;
  pid_t preparer;
};

bool MayExec(void* context, pid_t self) {
  const auto* gate = static_cast<const GateContext*>(context);
  if (!ProcessPlaces::Occupy(*gate->place, gate->claimant, self)) return false;
  gate->bodies->Occupy(gate->lease, self);
  return PassGate(*gate->detail, gate->preparer, self);
}

void ExecFailed(void* context, int error) {
  hydrapool::ExecFailed(*static_cast<const GateContext*>(context)->detail, error);
}

}  // namespace

// A local redirect has had its turn.
bool Handler::ClaimPlace(const Exchange& exchange, std::size_t limit) const {
  RequestProcess& process = exchange.process();
  const bool in_turn = NotesOf(exchange).redirects > 0 || process.IsItsTurn(limit);
  if (!in_turn || !process.ClaimPlace(limit)) return false;
  process.LeaveLine();
  return true;
}

Begun Handler::Wait(Exchange& exchange, const http::Request& request, Body body, std::size_t limit) {
  if (config_.wait == 0 || !exchange.process().JoinLine(config_.max_waiting)) {
    sys::log::Info("{}: 503: as many programs run as may at once",
                   NameOf(exchange.connection(), request.path));
    return RefusePlace(exchange, "as many programs run as may at once");
  }
  return std::make_unique<PlaceWaiter>(exchange, static_cast<Launcher&>(*this), std::move(body), limit,
                                       config_.wait);
}

Reply Handler::RefusePlace(Exchange& exchange, std::string_view why) {
  std::string head;
  const auto request = HeadOf(exchange, head);
  if (!request) return {.keep_open = false};
  const bool consumed = exchange.total_consumed() != NotesOf(exchange).request_begin;
  const std::uint64_t consume = NotesOf(exchange).feeds || consumed ? 0 : NotesOf(exchange).request_total;
  return Refuse(exchange.connection(), *request, consume, 503, why);
}

Begun Handler::LaunchAgain(Exchange& exchange, Body body) {
  exchange.SetDeadline(sys::Now() + NotesOf(exchange).patience);
  if (NotesOf(exchange).location > 0) return Redirect(exchange);
  std::string head;
  const auto request = HeadOf(exchange, head);
  if (!request) return nullptr;
  return Launch(exchange, *request, std::move(body));
}

Begun Handler::Launch(Exchange& exchange, const http::Request& request, Body body) {
  Connection& connection = exchange.connection();
  RequestProcess& process = exchange.process();
  const sys::Nanos began = sys::Now();
  const bool consumed = exchange.total_consumed() != NotesOf(exchange).request_begin;  // a chunked body is
  const std::uint64_t consume = NotesOf(exchange).feeds || consumed ? 0 : NotesOf(exchange).request_total;
  const auto refuse = [&](int status, std::string_view why) {
    sys::log::Info("{}: {}: {}", NameOf(connection, request.path), status, why);
    return Refuse(connection, request, consume, status, why);
  };
  const auto target = mounts_.Find(request.path);
  if (!target) return refuse(target.error().status, target.error().reason);
  const Script* const script = std::get_if<Script>(&*target);
  if (script == nullptr) return refuse(404, "no program any more");
  NotesOf(exchange).raw = script->file.starts_with("nph-");
  // A local redirect's program takes the place of the one before, which has said its last and is not reaped
  // yet.
  const std::size_t spare = NotesOf(exchange).redirects > 0 ? 1 : 0;
  const std::size_t most = std::min<std::size_t>(config_.max_processes, worker_.internals.most_processes);
  if (!ClaimPlace(exchange, most + spare)) return Wait(exchange, request, std::move(body), most + spare);
  auto asks = WhoAsks(connection, request, config_.believed, config_.server.scheme);
  if (const auto* bad = std::get_if<http::Refusal>(&asks)) return refuse(bad->status, bad->why);
  Asker& asker = std::get<Asker>(asks);
  if (request.body == http::BodyKind::kChunked) asker.client.body_length = body.length;
  asker.client.request_id = RequestIdOf(connection);
  if (connection.docket().open())
    access::Entry::Of(connection).Set(access::Entry::Text::kScript, script->name);
  if (config_.guards != nullptr) asker.client.user = config_.guards->UserOf(request);
  http::Request asked = request;
  if (!asker.host.empty()) asked.host = asker.host;
  // As the program was found: by an index, or by a local redirect.
  ProgramSettings settings = rules_.OfDecoded(script->name + script->path_info);
  NotesOf(exchange).patience = settings.patience;
  exchange.SetDeadline(sys::Now() + settings.patience);
  ServerFacts facts = config_.server;
  facts.extra = std::move(settings.environment);
  const auto environment = Environment::Build(asked, *script, facts, asker.client);
  if (!environment) return refuse(431, "the request's fields do not fit an environment");

  auto plumbing = Plumb(body.file, body.feed);
  if (!plumbing) return refuse(503, "no descriptor left for the program's pipes");
  process.Prepare();
  if (!process.Offer(std::move(plumbing->output.read), std::move(plumbing->input.write),
                     std::move(plumbing->errors.read)))
    return refuse(503, "the pool's parent is too busy");
  GateContext gate{&process.place(), process.claimant(), &process.bodies(),
                   process.lease(),  &process.detail(),  ::getpid()};
  const bool interpreted = !script->interpreter.empty();
  const std::string& program = interpreted ? script->interpreter : script->file;
  std::array<char*, 3> argv{const_cast<char*>(program.c_str()),
                            interpreted ? const_cast<char*>(script->absolute_path.c_str()) : nullptr,
                            nullptr};
  const std::string& line = worker_.internals.lifeline;
  const auto spawned = Spawn({.directory_fd = script->directory.get(),
                              .program = program,
                              .argv = argv.data(),
                              .envp = environment->envp(),
                              .stdin_fd = plumbing->in,
                              .stdout_fd = plumbing->output.write.get(),
                              .stderr_fd = plumbing->errors.write.get(),
                              .expected_parent = worker_.internals.parent,
                              .lifeline = line.empty() ? nullptr : line.c_str(),
                              .limits = settings.limits,
                              .gate = {&MayExec, &ExecFailed, &gate},
                              .no_new_privs = !config_.set_id});
  HYDRAPOOL_FAILPOINT("cgi.spawned");
  if (!spawned) return refuse(503, spawned.error().message);
  if (spawned->start != Spawned::Start::kExecuted) {
    return refuse(500, fmt::format("the program cannot be executed: {}",
                                   std::generic_category().message(spawned->error)));
  }
  if (oom_score_) sys::SetOomScore(spawned->pid, spawned->pidfd.get(), *oom_score_ + kProgramOomScore);
  HandOverBody(process);
  NotesOf(exchange).location = 0;
  worker_.internals.board.executions_started.Add();
  worker_.internals.board.execution_start_seconds.Observe(sys::Now() - began);
  auto courier = std::make_unique<Courier>(exchange, tools_, static_cast<Redirector&>(*this),
                                           NameOf(connection, request.path));
  courier->Start();
  return courier;
}

}  // namespace hydrapool::cgi
