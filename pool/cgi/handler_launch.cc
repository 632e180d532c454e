// How a request's program is started: what it is connected to, what it is told, and the gate before it.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>
#include <system_error>
#include <utility>

#include "pool/access/entry.h"
#include "pool/cgi/body_file.h"
#include "pool/cgi/handler.h"
#include "pool/cgi/launch_order.h"
#include "pool/cgi/program_start.h"
#include "pool/http/ip_address.h"
#include "pool/shared/body_budget.h"
#include "pool/shared/launchers.h"
#include "pool/shared/limit.h"
#include "pool/shared/process_cgroups.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"
#include "pool/sys/signals.h"
#include "pool/worker/worker_desk.h"

namespace hydrapool::cgi {
namespace {

struct Pipe {
  sys::UniqueFd read;
  sys::UniqueFd write;
};

std::optional<Pipe> MakePipe() {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{sys::UniqueFd(ends[0]), sys::UniqueFd(ends[1])};
}

/// A name as a number other than 0; two names have the same one by chance alone, and a limit in common then.
std::uint32_t PartyNumber(std::string_view name) {
  std::uint32_t hash = 2166136261u;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash == 0 ? 1 : hash;
}

/// As --max-per-address counts: of IPv6 the /64.
std::uint32_t ClientNumber(const std::string& address) {
  const auto parsed = http::IpAddress::Parse(address.substr(0, address.find('%')));  // without its interface
  if (!parsed) return 0;
  const std::size_t counts = parsed->is_v4() ? 16 : 8;
  return PartyNumber({reinterpret_cast<const char*>(parsed->bytes.data()), counts});
}

// Empty: the pool has no cgroups.
sys::Result<sys::UniqueFd> CgroupFor(const ProcessTurn& turn, const CgroupLimits& limits) {
  const ProcessCgroups* const cgroups = ProcessCgroups::OfPool();
  if (cgroups == nullptr) return sys::UniqueFd();
  auto cgroup = cgroups->Enter(turn.cgroup(), limits);
  HYDRAPOOL_FAILPOINT("cgi.cgroup_made");
  return cgroup;
}

// The flag belongs to the new pipe's end, which has no other: the program's own end stays blocking.
void SetNonBlocking(const sys::UniqueFd& fd) { ::fcntl(fd.get(), F_SETFL, O_NONBLOCK); }

}  // namespace

/// What a program is connected to: its ends, and what its worker and the parent keep of them.
struct Handler::Plumbing {
  Pipe output;
  Pipe errors;
  Pipe input;   // where its body is fed
  int in = -1;  // the program's standard input
};

// `file`: of a whole body, or nothing to read. Nothing: no descriptor is left.
std::optional<Handler::Plumbing> Handler::Plumb(int file, bool feeds) const {
  auto output = MakePipe();
  auto errors = MakePipe();
  if (!output || !errors) return std::nullopt;
  Plumbing made{.output = std::move(*output), .errors = std::move(*errors), .input = {}};
  if (feeds) {
    auto input = MakePipe();
    if (!input) return std::nullopt;
    SetNonBlocking(input->write);
    made.input = std::move(*input);
    made.in = made.input.read.get();
  } else {
    if (file != nothing_.get()) ::lseek(file, 0, SEEK_SET);
    made.in = file;
  }
  SetNonBlocking(made.output.read);
  SetNonBlocking(made.errors.read);
  return made;
}

// Of a worker, from its first start on: it changes no more.
std::uint64_t Handler::Ignored() {
  if (!ignored_) ignored_ = sys::IgnoredSignals();
  return *ignored_;
}

// A local redirect has had its turn.
bool Handler::ClaimPlace(const Exchange& exchange, const PlaceRules& rules) const {
  ProcessTurn& turn = exchange.process().turn();
  const bool in_turn = NotesOf(exchange).redirects > 0 || turn.TurnsBefore(rules) == 0;
  if (!in_turn || !turn.Claim(rules)) return false;
  turn.StepOut();
  return true;
}

// A local redirect's program takes the place of the one before, which may not be reaped yet.
PlaceRules Handler::RulesFor(const Exchange& exchange, const ProgramSettings& settings,
                             const std::string& client) const {
  PlaceRules rules{.limit = std::min<std::size_t>(config_.max_processes, worker_.internals.most_processes)};
  if (NotesOf(exchange).redirects > 0) rules.before = exchange.process().detail().last_process.load();
  if (settings.most_processes > 0) rules.party.group = PartyNumber(settings.most_processes_at);
  if (config_.max_of_client > 0) rules.party.client = ClientNumber(client);
  rules.most_of_group = settings.most_processes;
  rules.most_of_client = config_.max_of_client;
  return rules;
}

Begun Handler::Wait(Exchange& exchange, const http::Request& request, Body body, const PlaceRules& rules) {
  ProcessTurn& turn = exchange.process().turn();
  if (turn.since() == 0) {
    const PartyLimit reached = turn.Reaches(rules);
    if (reached == PartyLimit::kGroup) worker_.internals.board.Hit(Limit::kPrograms);
    if (reached == PartyLimit::kClient) worker_.internals.board.Hit(Limit::kProgramsOfAddress);
  }
  if (config_.wait == 0 || !turn.Join(config_.max_waiting, rules)) {
    sys::log::Info("{}: 503: as many programs run as may at once",
                   NameOf(exchange.connection(), request.path));
    return RefusePlace(exchange, "as many programs run as may at once");
  }
  if (body.own) body = {.length = body.length, .peeked = true};  // those that wait hold no file
  return std::make_unique<PlaceWaiter>(exchange, static_cast<Launcher&>(*this), std::move(body), rules,
                                       config_.wait);
}

Begun Handler::LaunchAgain(Exchange& exchange, Body body) {
  exchange.SetDeadline(sys::Now() + NotesOf(exchange).patience);
  if (NotesOf(exchange).location > 0) return Redirect(exchange);
  std::string head;
  const auto request = HeadOf(exchange, head);
  if (!request) return nullptr;
  if (body.peeked && !Reread(exchange, *request, body))
    return RefuseLaunch(exchange, 503, "no memory for the request's body");
  return Launch(exchange, *request, std::move(body));
}

tl::expected<Handler::Found, Refusal> Handler::Find(const Connection& connection,
                                                    const http::Request& request) const {
  const sys::Nanos began = sys::Now();
  auto asks = WhoAsks(connection, request, config_.believed, config_.server.scheme);
  if (const auto* bad = std::get_if<http::Refusal>(&asks))
    return tl::unexpected(Refusal{.status = bad->status, .reason = std::string(bad->why)});
  Asker& asker = std::get<Asker>(asks);
  auto target = mounts_.Find(request.path, asker.host.empty() ? request.host : asker.host);
  if (!target) return tl::unexpected(std::move(target.error()));
  if (const auto* missing = std::get_if<SlashMissing>(&*target))
    return tl::unexpected(
        Refusal{301, fmt::format("{}{}{}", missing->path, request.has_query ? "?" : "", request.query)});
  Script* const script = std::get_if<Script>(&*target);
  if (script == nullptr) return tl::unexpected(Refusal{.status = 404, .reason = "no program any more"});
  // As the program was found: by an index, or by a local redirect.
  ProgramSettings settings = rules_.OfDecoded(script->name + script->path_info);
  return Found{began, std::move(asker), std::move(*script), std::move(settings)};
}

Begun Handler::Launch(Exchange& exchange, const http::Request& request, Body body) {
  auto found = Find(exchange.connection(), request);
  if (!found) {
    const auto& [status, why] = found.error();
    sys::log::Info("{}: {}: {}", NameOf(exchange.connection(), request.path), status, why);
    return RefuseRequest(exchange, request, status, why);
  }
  NotesOf(exchange).raw = found->script.file.starts_with("nph-");
  const PlaceRules rules = RulesFor(exchange, found->settings, found->asker.client.remote_address);
  if (!ClaimPlace(exchange, rules)) return Wait(exchange, request, std::move(body), rules);
  if (request.body == http::BodyKind::kChunked) found->asker.client.body_length = body.length;
  return StartFound(exchange, request, *found, body);
}

// It has its place.
Begun Handler::StartFound(Exchange& exchange, const http::Request& request, Found& found, const Body& body) {
  Connection& connection = exchange.connection();
  const auto refuse = [&](int status, std::string_view why) {
    sys::log::Info("{}: {}: {}", NameOf(connection, request.path), status, why);
    return RefuseRequest(exchange, request, status, why);
  };
  ClientFacts& client = found.asker.client;
  client.request_id = RequestIdOf(connection);
  if (connection.docket().open())
    access::Entry::Of(connection).Set(access::Entry::Text::kScript, found.script.name);
  if (config_.guards != nullptr) client.user = config_.guards->UserOf(request, PathsOf(found.script));
  NotesOf(exchange).patience = found.settings.patience;
  exchange.SetDeadline(sys::Now() + found.settings.patience);
  http::Request asked = request;
  if (!found.asker.host.empty()) asked.host = found.asker.host;
  ServerFacts facts = config_.server;
  facts.extra = std::move(found.settings.environment);
  if (facts.document_root.empty()) facts.document_root = mounts_.document_root(asked.host);
  const auto environment = Environment::Build(asked, found.script, facts, client);
  if (!environment) return refuse(431, "the request's fields do not fit an environment");

  auto plumbing = Plumb(body.file >= 0 ? body.file : nothing_.get(), body.feed);
  if (!plumbing) return refuse(503, "no descriptor left for the program's pipes");
  RequestProcess& process = exchange.process();
  process.Prepare();
  if (!process.Offer(std::move(plumbing->output.read), std::move(plumbing->input.write),
                     std::move(plumbing->errors.read)))
    return refuse(503, "the pool's parent is too busy");
  if (!found.settings.user.empty()) {
    auto ordered = Order(exchange, LaunchOrder::Write(asked, client), found.settings.user, *plumbing);
    if (!ordered) return refuse(503, ordered.error().message);
    return std::make_unique<LaunchWaiter>(exchange, static_cast<LaunchTaker&>(*this), std::move(*ordered));
  }
  auto spawned = Spawn(process, found, *environment, *plumbing);
  HYDRAPOOL_FAILPOINT("cgi.spawned");
  if (!spawned) {  // it may name paths of this server
    sys::log::Info("{}: 503: {}", NameOf(connection, request.path), spawned.error().message);
    return RefuseRequest(exchange, request, 503, "the program cannot be started now");
  }
  if (spawned->start != Spawned::Start::kExecuted) {
    return refuse(500, fmt::format("the program cannot be executed: {}",
                                   std::generic_category().message(spawned->error)));
  }
  worker_.internals.board.execution_start_seconds.Observe(sys::Now() - found.began);
  return Carry(exchange, std::move(spawned->pidfd));
}

sys::Result<Spawned> Handler::Spawn(RequestProcess& process, const Found& found,
                                    const Environment& environment, const Plumbing& plumbing) {
  LaunchGate gate{.place = &process.turn().place(),
                  .claimant = process.turn().claimant(),
                  .bodies = &process.bodies(),
                  .lease = process.lease(),
                  .detail = &process.detail(),
                  .preparer = ::getpid()};
  const std::string& line = worker_.internals.lifeline;
  const auto cgroup = CgroupFor(process.turn(), found.settings.limits.together);
  if (!cgroup) return tl::unexpected(cgroup.error());
  return StartProgram({.script = found.script,
                       .envp = environment.envp(),
                       .limits = found.settings.limits,
                       .input = plumbing.in,
                       .output = plumbing.output.write.get(),
                       .errors = plumbing.errors.write.get(),
                       .cgroup = cgroup->get(),
                       .gate = gate.Gate(),
                       .expected_parent = worker_.internals.parent,
                       .lifeline = line.empty() ? nullptr : line.c_str(),
                       .own_descriptors = own_descriptors_.get(),
                       .set_id = config_.set_id,
                       .ignored = Ignored()});
}

// The launcher has copies of the program's ends from here on, and this worker none. Returns where its word
// comes.
sys::Result<sys::UniqueFd> Handler::Order(const Exchange& exchange, const std::string& text,
                                          const std::string& user, const Plumbing& plumbing) const {
  const sys::Channel* const launcher = launchers::Of(user);
  if (launcher == nullptr) return sys::Failure("nobody starts programs as " + user);
  auto reply = MakePipe();
  const sys::UniqueFd order = MemoryFile();
  if (!reply || !order || !WriteAt(order.get(), text, 0))
    return sys::Failure("no descriptor or memory left to have the program started");
  SetNonBlocking(reply->read);
  RequestProcess& process = exchange.process();
  const ToLauncher message{
      .slot = process.lease(), .claimant = process.turn().claimant(), .preparer = ::getpid()};
  const std::array<int, kLaunchDescriptors> fds{plumbing.in, plumbing.output.write.get(),
                                                plumbing.errors.write.get(), reply->write.get(), order.get()};
  if (launcher->Send(std::as_bytes(std::span(&message, 1)), fds) != sys::Channel::SendStatus::kSent)
    return sys::Failure("the launcher for " + user + " takes no more");
  HYDRAPOOL_FAILPOINT("cgi.ordered");
  return std::move(reply->read);
}

Begun Handler::Launched(Exchange& exchange) { return Carry(exchange, {}); }

// The program has passed its gate, and its worker is only its courier.
Begun Handler::Carry(Exchange& exchange, sys::UniqueFd program) {
  RequestProcess& process = exchange.process();
  process.turn().Leave();
  HandOverBody(process);
  NotesOf(exchange).location = 0;
  worker_.internals.board.executions_started.Add();
  auto courier = std::make_unique<Courier>(exchange, tools_, static_cast<Redirector&>(*this),
                                           NameOf(exchange.connection(), ScriptOf(exchange.connection())),
                                           std::move(program));
  courier->Start();
  return courier;
}

}  // namespace hydrapool::cgi
