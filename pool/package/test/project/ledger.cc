// A handler with a database, a timer and a descriptor of each worker's own.
//     ledger HOST:PORT DATABASE
// put KEY VALUE: kept in the database, answered with the request's number on its connection. get KEY. count
// EVENT. tick: answered at the worker's next tick. bye: closes.
#include <hydrapool/process_pool.h>
#include <sqlite3.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace hydrapool;

constexpr Nanos kTick = 5 * kMillisecond;

struct Database {
  explicit Database(const std::string& path) {
    if (sqlite3_open(path.c_str(), &handle) != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(handle));
    sqlite3_busy_timeout(handle, 10'000);
    Run("pragma synchronous = off");
  }
  ~Database() { sqlite3_close(handle); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs one statement with up to two texts bound; returns the first column of its first row.
  std::string Run(const char* sql, const std::string& a = {}, const std::string& b = {}) {
    sqlite3_stmt* prepared = nullptr;
    if (sqlite3_prepare_v2(handle, sql, -1, &prepared, nullptr) != SQLITE_OK)
      throw std::runtime_error(sqlite3_errmsg(handle));
    const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(prepared, &sqlite3_finalize);
    sqlite3_bind_text(prepared, 1, a.c_str(), -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(prepared, 2, b.c_str(), -1, SQLITE_TRANSIENT);
    const int result = sqlite3_step(prepared);
    if (result != SQLITE_ROW && result != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(handle));
    const bool row = result == SQLITE_ROW && sqlite3_column_text(prepared, 0) != nullptr;
    return row ? reinterpret_cast<const char*>(sqlite3_column_text(prepared, 0)) : "";
  }
  sqlite3* handle = nullptr;
};

class TickWaiter;

class Ledger {
 public:
  Ledger(WorkerContext& worker, const std::string& path)
      : worker_(worker), database_(path), wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    wake_watch_ = worker.loop.Add(wake_.get(), EPOLLIN, [this](std::uint32_t) { OnWake(); });
    SetTimer();
    database_.Run("insert into events values('start')");
  }

  std::optional<Reply> OnConnect(Connection&) { return Reply{.bytes = "ledger\n"}; }
  void OnClose(Connection&) { database_.Run("insert into events values('close')"); }
  void OnWorkerStop() { database_.Run("insert into events values('stop')"); }

  Decision OnInput(Connection& connection, std::string_view input) {
    const auto end = input.find('\n');
    if (end == input.npos) return NeedMore{};
    const std::string line(input.substr(0, end));
    if (line == "tick") return Start{};
    if (line == "bye") return Reply{.consume = end + 1, .bytes = "bye\n", .keep_open = false};
    const auto space = line.find(' ', 4);
    const std::string key = line.substr(4, space - 4);
    const auto number = std::to_string(NumberOf(connection)) + " ";
    if (line.starts_with("get "))
      return Reply{.consume = end + 1,
                   .bytes = number + database_.Run("select value from pairs where key = ?", key) + "\n"};
    if (line.starts_with("count ")) {
      const auto count = database_.Run("select count(*) from events where what = ?", line.substr(6));
      return Reply{.consume = end + 1, .bytes = number + count + "\n"};
    }
    const std::string value = line.substr(space + 1);
    database_.Run("insert or replace into pairs values(?, ?)", key, value);
    return Reply{.consume = end + 1, .bytes = number + value + "\n"};
  }
  Begun Begin(Exchange& exchange, std::string_view input);
  static std::string AbandonedReply(Excuse) { return "sorry\n"; }

  std::set<TickWaiter*>& waiters() { return waiters_; }

 private:
  struct Number {
    std::uint64_t value;
  };
  // The same however often the request is looked at: its own note first, then the connection's.
  static std::uint64_t NumberOf(Connection& connection) {
    auto& mine = connection.notes<Number>().value;
    auto& last = connection.connection_notes<Number>().value;
    if (mine == 0) mine = last + 1;
    last = mine;
    return mine;
  }
  void SetTimer() {
    timer_ = worker_.loop.At(Now() + kTick, [this] {
      eventfd_write(wake_.get(), 1);
      SetTimer();
    });
  }
  void OnWake();

  WorkerContext& worker_;
  Database database_;
  UniqueFd wake_;
  EventLoop::Watch wake_watch_;
  EventLoop::Timer timer_;
  std::set<TickWaiter*> waiters_;
};

class TickWaiter final : public Execution {
 public:
  TickWaiter(Exchange& exchange, Ledger& ledger, std::size_t size)
      : exchange_(exchange), ledger_(ledger), size_(size) {
    ledger_.waiters().insert(this);
  }
  ~TickWaiter() override { ledger_.waiters().erase(this); }
  void OnStepDone() override {}
  void OnDeadline() override { exchange_.Abort(); }
  void Answer() { exchange_.Answer({.consume = size_, .bytes = "tick\n"}); }

 private:
  Exchange& exchange_;
  Ledger& ledger_;
  const std::size_t size_;
};

Begun Ledger::Begin(Exchange& exchange, std::string_view input) {
  return std::make_unique<TickWaiter>(exchange, *this, input.find('\n') + 1);
}

void Ledger::OnWake() {
  eventfd_t ticks;
  eventfd_read(wake_.get(), &ticks);
  for (TickWaiter* each : std::exchange(waiters_, {})) each->Answer();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string path = argv[2];
  {
    Database database(path);
    database.Run("pragma journal_mode = wal");
    database.Run("create table if not exists pairs(key text primary key, value text)");
    database.Run("create table if not exists events(what text)");
  }
  ProcessPool<Ledger> pool({.workers = 2}, [&](WorkerContext& worker) { return Ledger(worker, path); });
  return pool.Serve(Listen(argv[1]));
}
