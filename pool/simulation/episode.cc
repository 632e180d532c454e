#include "pool/simulation/episode.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "pool/simulation/served_pool.h"
#include "pool/simulation/weather.h"
#include "pool/sys/log.h"

namespace hydrapool::simulation {
namespace {

constexpr std::size_t kLeases = 12;
/// A pool in which nothing goes wrong any more is done within that.
constexpr Nanos kPatience = 120 * sys::kSecond;

class Episode {
 public:
  explicit Episode(const EpisodeOptions& options);
  Outcome Run();

 private:
  void Storm();
  void AwaitClients();
  void TellToEnd();
  [[nodiscard]] bool DrainsEarly() const { return options_.seed % 5 == 0; }
  void EndPool();
  void Check();
  /// One move of whoever can move; else the clock goes on to whatever comes next.
  void Turn();
  void AdvanceClock();
  [[nodiscard]] std::vector<std::pair<int, std::size_t>> Able() const;
  void NewClient();
  std::vector<Request> SomeRequests();
  [[nodiscard]] bool Busy() const;
  void GiveUp(const std::string& what);

  const EpisodeOptions options_;
  const std::size_t open_before_ = File::open();
  const bool http_;  // `hydrapool` itself with CGI programs; else the simulation's own handler
  Ledger ledger_;
  World world_;
  std::shared_ptr<Listener> listener_ = std::make_shared<Listener>();
  std::vector<std::unique_ptr<Client>> clients_;
  std::uint64_t answered_ = 0;
  std::uint32_t next_request_ = 1;
  std::uint16_t next_port_ = 1000;
  int pool_ = 0;
  std::size_t most_clients_ = 0;
};

Episode::Episode(const EpisodeOptions& options)
    : options_(options),
      http_(options.seed % 2 == 0),
      world_(options.seed, SomeWeather(options.seed, http_), options.events, options.fault) {
  Handler::ledger = &ledger_;
  const PoolOptions pool_options{
      .workers = world_.random.Between(1, 3),
      .balance = world_.random.OneIn(2) ? Balance::kLeastBusy : Balance::kRoundRobin,
      .max_connections = kLeases,
      .max_input = world_.random.OneOf({24'000, 32'768}),
      .timeouts = {.head = kNever,
                   .keep_alive = kNever,
                   .spare = kNever,
                   .write = kNever,
                   .linger = kNever,
                   .unassigned = kNever,
                   .drain = kNever},
      .supervised = options.seed % 3 == 0};
  most_clients_ = world_.random.Between(1, DrainsEarly() ? kLeases / 2 : kLeases + 4);
  const auto programs = static_cast<std::uint32_t>(world_.random.OneOf({256, 256, 3}));
  world_.most_programs = programs;
  const int fd = 999'999'999;
  Process& pool = world_.Spawn(
      Process::Kind::kPool,
      [http = http_, programs, pool_options] {
        return ServePool(http, programs, pool_options, UniqueFd(fd));
      },
      0);
  pool.files().emplace(fd, listener_);
  pool_ = pool.pid;
}

std::vector<Request> Episode::SomeRequests() {
  using Kind = Request::Kind;
  constexpr Kind kKinds[]{Kind::kReply, Kind::kReply, Kind::kReply,  Kind::kBegin,
                          Kind::kLater, Kind::kOnce,  Kind::kPieces, Kind::kInterim};
  Random& random = world_.random;
  std::vector<Request> requests;
  for (auto left = random.Between(1, random.OneOf({1, 5, 40, 200})); left > 0; --left) {
    Request request{.kind = kKinds[random.Below(std::size(kKinds))], .id = next_request_++};
    request.size = static_cast<std::uint32_t>(random.Below(random.OneOf({1, 20, 300, 9'000})));
    request.body = static_cast<std::uint32_t>(random.OneIn(4) ? random.Below(random.OneOf({10, 3'000})) : 0);
    if (request.kind == Kind::kReply && random.OneIn(60)) request.size = 150'000;
    if (left == 1 && random.OneIn(3)) request.kind = Kind::kBye;
    requests.push_back(request);
  }
  return requests;
}

void Episode::NewClient() {
  auto connection = std::make_shared<TcpConnection>(world_.weather.network, next_port_++);
  world_.connections.push_back(connection);
  auto oracle = http_ ? MakeHttpOracle(world_.random, next_request_, world_.most_programs < 10)
                      : MakeLineOracle(SomeRequests());
  clients_.push_back(std::make_unique<Client>(world_, connection, std::move(oracle)));
  listener_->Come(std::move(connection));
}

// Whoever can move: a kind of actor and its number; those that run shipped code more often.
std::vector<std::pair<int, std::size_t>> Episode::Able() const {
  std::vector<std::pair<int, std::size_t>> able;
  for (std::size_t i = 0; i < world_.processes.size(); ++i) {
    const Process& process = *world_.processes[i];
    const bool waits = process.waits.child != 0 && !world_.VforkOver(process.waits.child);
    const bool others_first = waits || process.waits.held_until > world_.steps;
    if (!others_first && process.Runnable(world_.now)) able.insert(able.end(), 6, {0, i});
    if (process.state == Process::State::kDying) able.emplace_back(1, i);
    if (process.CanActAsProgram()) able.emplace_back(4, i);
  }
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (clients_[i]->CanAct()) able.emplace_back(2, i);
  }
  for (std::size_t i = 0; i < world_.connections.size(); ++i) {
    if (world_.connections[i]->CanAct()) able.emplace_back(3, i);
  }
  return able;
}

void Episode::Turn() {
  const auto able = Able();
  if (able.empty()) return AdvanceClock();
  const auto [kind, index] = able[world_.random.Below(able.size())];
  if (kind == 0) return world_.Run(*world_.processes[index]);
  ++world_.steps;
  world_.now += static_cast<Nanos>(world_.random.Below(2'000));
  if (kind == 1) world_.GoOnDying(*world_.processes[index]);
  if (kind == 2) clients_[index]->Act();
  if (kind == 4) world_.processes[index]->program->Act();
  if (kind == 3) {
    TcpConnection& connection = *world_.connections[index];
    connection.Act(world_.random);
    world_.trace.Add(world_.steps, connection.port(), "network",
                     static_cast<std::int64_t>(connection.Waiting()),
                     static_cast<std::int64_t>(connection.Unacknowledged()));
  }
}

void Episode::AdvanceClock() {
  bool held = false;
  for (const auto& process : world_.processes)
    held |= std::exchange(process->waits.held_until, 0) > world_.steps && process->Runnable(world_.now);
  if (held) return;
  Nanos next = INT64_MAX;
  const auto consider = [&](Nanos at) {
    if (at > world_.now) next = std::min(next, at);
  };
  for (const auto& process : world_.processes) {
    if (!process->running()) continue;
    consider(process->waits.frozen_until);
    if (process->waits.epoll != nullptr || process->waits.signals != 0) consider(process->waits.until);
    if (process->program != nullptr) consider(process->program->pauses_until());
  }
  for (const auto& client : clients_) consider(client->pauses_until());
  if (next == INT64_MAX) return GiveUp("nothing can happen any more");
  world_.now = next;
}

bool Episode::Busy() const { return world_.failure().empty(); }

void Episode::GiveUp(const std::string& what) {
  std::string text = what;
  for (const auto& client : clients_) {
    if (!client->done()) text += "; a client has " + client->Describe();
  }
  world_.Fail(text);
}

void Episode::Storm() {
  while (Busy() && world_.steps < options_.storm) {
    if (clients_.size() < most_clients_ && world_.random.OneIn(50)) NewClient();
    Turn();
    std::erase_if(clients_, [&](const auto& client) {
      if (client->done()) answered_ += client->answered();
      return client->done();
    });
    std::erase_if(world_.connections, [](const auto& each) { return each.use_count() == 1 && each->over(); });
    world_.Bury();
  }
}

void Episode::AwaitClients() {
  world_.Calm();
  for (const auto& client : clients_) client->Hurry();
  const Nanos deadline = world_.now + kPatience;
  while (Busy() && !clients_.empty()) {
    Turn();
    std::erase_if(clients_, [&](const auto& client) {
      if (client->done()) answered_ += client->answered();
      return client->done();
    });
    world_.Bury();
    if (world_.now > deadline) GiveUp("a client waits for ever");
  }
}

void Episode::TellToEnd() {
  if (world_.draining) return;
  world_.draining = true;
  world_.Signal(pool_, SIGTERM);
}

void Episode::EndPool() {
  const Nanos deadline = world_.now + kPatience;
  while (Busy()) {
    if (Process* pool = world_.Find(pool_); pool != nullptr && pool->state == Process::State::kZombie) {
      if (pool->exit_code != 0 || pool->exit_signal != 0) world_.Fail("the pool did not end in peace");
      pool->state = Process::State::kReaped;
    }
    world_.Bury();
    if (world_.processes.empty()) return;
    Turn();
    if (world_.now > deadline) GiveUp("the pool does not end");
  }
}

void Episode::Check() {
  for (const auto& [id, runs] : ledger_.runs) {
    if (runs > 1) world_.Fail(fmt::format("request {} ran {} times", id, runs));
  }
  if (!Busy()) return;
  listener_.reset();
  world_.connections.clear();
  if (const auto left = File::open() - open_before_; left != 0)
    world_.Fail(fmt::format("{} files are still open", left));
}

Outcome Episode::Run() {
  Storm();
  if (DrainsEarly()) TellToEnd();
  AwaitClients();
  TellToEnd();
  EndPool();
  Check();
  Outcome outcome{.failure = world_.failure(),
                  .steps = world_.steps,
                  .hash = world_.trace.hash(),
                  .deaths = world_.deaths,
                  .parent_deaths = world_.parent_deaths,
                  .requests = answered_};
  if (!outcome.failure.empty()) {
    outcome.failure = fmt::format("seed {}, step {}: {}\n{}", options_.seed, world_.steps, outcome.failure,
                                  world_.trace.Last());
  }
  return outcome;
}

}  // namespace

Outcome RunEpisode(const EpisodeOptions& options) {
  PrepareDirectory();
  sys::log::SetLevel(options.log ? sys::log::Level::kDebug
                                 : sys::log::Level::kOff);  // also makes the logger, which is no process's
  return Episode(options).Run();
}

}  // namespace hydrapool::simulation
