#include "hydrapool/process_pool.h"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "pool/parent/parent.h"
#include "pool/parent/pool.h"
#include "pool/sys/kill.h"
#include "pool/worker/worker_desk.h"

namespace hydrapool {
namespace {

constexpr std::size_t kMostLeases = 16'384;
constexpr std::size_t kOwnDescriptors = 1152;  // besides connections: mostly processes' ends

/// Raises the soft limit of open files to the hard one and says what it is.
std::size_t RaiseFileLimit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

void RefuseThreads() {
  const auto tasks = std::filesystem::directory_iterator("/proc/self/task");
  const auto count = std::distance(begin(tasks), end(tasks));
  if (count > 1) {
    throw std::logic_error(
        "a pool must start before any thread: a worker is a copy of this process, and would copy "
        "locks that a thread holds; threads running now: " +
        std::to_string(count - 1));
  }
}

}  // namespace

PoolOptions Completed(PoolOptions options) {
  if (options.workers == 0) options.workers = std::max(2u, std::thread::hardware_concurrency());
  const std::size_t files = RaiseFileLimit();
  const std::size_t most = files > 2 * kOwnDescriptors ? files - kOwnDescriptors : files / 2;
  if (options.max_connections == 0) options.max_connections = std::min(most, kMostLeases);
  options.max_connections = std::min(options.max_connections, most);
  return options;
}

Pool::Pool(const PoolOptions& options, HandlerType type)
    : parent_(std::make_unique<Parent>(Completed(options), std::move(type))) {}
Pool::~Pool() = default;

int Pool::Serve(std::vector<sys::UniqueFd> listeners) {
  RefuseThreads();
  return parent_->Serve(std::move(listeners));
}

void Pool::Stop() const {
  if (const pid_t pid = parent_->records.scoreboard.counts().main_process.load(); pid > 0)
    sys::Kill(pid, SIGTERM);
}

EventLoop& Pool::loop() const { return parent_->loop; }
const Scoreboard& ScoreboardOf(const Pool& pool) { return pool.parent().records.scoreboard; }
std::size_t MostProcessesOf(const Pool& pool) {
  const Pool::Parent& parent = pool.parent();
  return MostProcesses(RaiseFileLimit(), parent.options.max_connections,
                       parent.records.scoreboard.lives().size());
}
LeaseTable& TableOf(const Pool& pool) { return pool.parent().table(); }
PoolLife& LifeOf(const Pool& pool) { return pool.parent().life(); }
Doorbell& BellOf(const Pool& pool) { return pool.parent().records.scoreboard.bell(); }
int DoorbellOf(const Pool& pool) { return pool.parent().doorbell(); }
const sys::Lifeline& LifelineOf(const Pool& pool) { return pool.parent().lifeline(); }
Steering SteeringOf(const Pool& pool) { return pool.parent().steering(); }
const FateJournal& FatesOf(const Pool& pool) { return pool.parent().records.fates; }
const DeathJournal& DeathsOf(const Pool& pool) { return pool.parent().records.deaths; }

}  // namespace hydrapool
