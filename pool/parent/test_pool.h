#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "hydrapool/process_pool.h"
#include "pool/parent/pool.h"
#include "pool/shared/fate_journal.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/child.h"
#include "pool/sys/clock.h"
#include "pool/sys/kill.h"
#include "pool/sys/log.h"
#include "pool/sys/shared_memory.h"
#include "pool/sys/test_tcp.h"

/// A pool served by a child of the test, with a handler that does what each line says.
namespace hydrapool::test {

/// What the test and all workers share.
struct Notes {
  std::atomic<int> runs{0};          ///< how often a request was begun
  std::atomic<bool> release{false};  ///< lets requests that wait answer
  std::atomic<bool> refuse{false};   ///< workers fail to start
};

/// Waits for a condition of other processes, with a deadline.
inline bool Eventually(const std::function<bool()>& condition) {
  for (const sys::Nanos deadline = sys::Now() + 20 * sys::kSecond; !condition();) {
    if (sys::Now() > deadline) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

inline void Crash() {
  ::signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would make it an exit
  ::raise(SIGSEGV);
}

/// The first line and its length with the newline.
struct Line {
  std::string_view command;
  std::string argument;
  std::size_t size = 0;
};

inline Line FirstLine(std::string_view input) {
  const auto end = input.find('\n');
  const auto space = std::min(input.find(' '), end);
  return {input.substr(0, space), std::string(input.substr(space, end - space)), end + 1};
}

/// A request in execution that waits for Notes::release.
class Waiting : public Execution {
 public:
  Waiting(Exchange& exchange, Notes& notes, const Line& line)
      : exchange_(exchange), notes_(notes), answer_{line.size, line.argument + "\n"} {
    Look();
  }
  void OnStepDone() override {}
  void OnDeadline() override {}

 private:
  void Look() {
    if (notes_.release) {
      exchange_.Answer(answer_);
      return;
    }
    timer_ = exchange_.connection().worker().loop.At(sys::Now() + sys::kMillisecond, [this] { Look(); });
  }
  Exchange& exchange_;
  Notes& notes_;
  Reply answer_;
  EventLoop::Timer timer_;
};

/// echo X: X. again X: X once released; may be run again. once X: the same, but never run again. big N: N
/// letters. die X: kills its worker the first time. start X: X, but only once it is started. crash: always.
/// hang: never returns. throw, bye, silent, pid: as they say.
class Obedient {
 public:
  Obedient(WorkerContext&, Notes& notes) : notes_(notes) {
    if (notes.refuse) throw std::runtime_error("told to refuse");
  }

  Decision OnInput(Connection&, std::string_view peeked) {
    return peeked.find('\n') == peeked.npos ? Decision(NeedMore{}) : Do(FirstLine(peeked));
  }
  Begun Begin(Exchange& exchange, std::string_view peeked) {
    Line line = FirstLine(peeked);
    line.argument.erase(0, 1);
    if (line.command == "start") return Reply{line.size, line.argument + "\n"};
    if (line.command == "once") exchange.BeginOnce();
    ++notes_.runs;
    return std::make_unique<Waiting>(exchange, notes_, line);
  }
  static std::string AbandonedReply(Excuse excuse) {
    return excuse == Excuse::kPoison      ? "poison\n"
           : excuse == Excuse::kAbandoned ? "abandoned\n"
                                          : "unavailable\n";
  }

 private:
  Decision Do(Line line) {
    if (!line.argument.empty()) line.argument.erase(0, 1);
    const auto reply = [&](std::string bytes) {
      return Reply{.consume = line.size, .bytes = std::move(bytes)};
    };
    if (line.command == "echo") return reply(line.argument + "\n");
    if (line.command == "pid") return reply(std::to_string(::getpid()) + "\n");
    if (line.command == "silent") return reply("");
    if (line.command == "big") return reply(std::string(std::stoul(line.argument), 'x'));
    if (line.command == "throw") throw std::runtime_error("told to throw");
    if (line.command == "crash") Crash();
    if (line.command == "hang") {
      for (;;) ::pause();
    }
    if (line.command == "bye") return Reply{.consume = line.size, .bytes = "bye\n", .keep_open = false};
    if (line.command == "die") {
      if (notes_.runs.fetch_add(1) == 0) ::raise(SIGKILL);
      return reply(line.argument + "\n");
    }
    if (line.command == "again" || line.command == "once" || line.command == "start") return Start{};
    return reply("what?\n");
  }
  Notes& notes_;
};

/// A client that speaks in lines and waits no longer than sys::test::kPatience.
class LineClient {
 public:
  explicit LineClient(const std::string& address)
      : fd_(std::move(sys::Connect(address, std::chrono::milliseconds(sys::test::kPatience)).value())) {}
  void Say(std::string_view bytes) const { sys::test::SendAll(fd_.get(), bytes); }
  [[nodiscard]] std::string Hear(std::size_t bytes) const { return sys::test::ReadUpTo(fd_.get(), bytes); }
  /// One line with its newline; what came so far where the connection ends or nothing more comes.
  [[nodiscard]] std::string HearLine() const {
    std::string line;
    while (line.empty() || line.back() != '\n') {
      const std::string byte = Hear(1);
      if (byte.empty()) break;
      line += byte;
    }
    return line;
  }
  [[nodiscard]] std::string Ask(std::string_view line) const {
    Say(line);
    return HearLine();
  }
  /// All until the end; `error` as sys::test::ReadUpTo.
  std::string HearRest(int* error = nullptr) const { return sys::test::ReadToEnd(fd_.get(), error); }
  void Finish() const { ::shutdown(fd_.get(), SHUT_WR); }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  sys::UniqueFd fd_;
};

/// A pool of H in a process of its own; made as H(context, notes). The scoreboard is shared with the test.
template <typename H = Obedient>
class ServedPool {
 public:
  explicit ServedPool(
      const PoolOptions& options = {.workers = 2, .max_connections = 256},
      const std::function<void()>& first = [] {})
      : pool_(options, [this](WorkerContext& context) { return H(context, notes()); }) {
    sys::UniqueFd listener = sys::Listen("127.0.0.1:0");
    address_ = sys::LocalAddress(listener.get());
    process_ = sys::Child::Fork([&] {
      sys::log::SetLevel(sys::log::Level::kOff);
      sigset_t none;
      sigemptyset(&none);
      ::sigprocmask(SIG_SETMASK, &none, nullptr);
      first();
      return pool_.Serve(std::move(listener));
    });
  }

  [[nodiscard]] LineClient Connect() const { return LineClient(address_); }
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] Notes& notes() const { return notes_[0]; }
  [[nodiscard]] PoolCounts& counts() const { return ScoreboardOf(pool_.pool()).counts(); }
  [[nodiscard]] WorkerSlot& worker(std::size_t slot) const { return ScoreboardOf(pool_.pool()).slot(slot); }
  [[nodiscard]] WorkerLife& life(std::size_t slot) const { return ScoreboardOf(pool_.pool()).life_of(slot); }
  [[nodiscard]] const ProcessPool<H>& pool() const { return pool_; }
  [[nodiscard]] sys::Child& process() { return process_; }
  bool WaitUntilReady() const {
    return Eventually([&] {
      for (std::size_t i = 0; i < ScoreboardOf(pool_.pool()).workers(); ++i) {
        if (life(i).state.load() != WorkerState::kReady) return false;
      }
      return true;
    });
  }
  /// Kills the worker that has a request in hand.
  bool KillBusy() const {
    return Eventually([&] {
      for (std::size_t i = 0; i < ScoreboardOf(pool_.pool()).workers(); ++i) {
        if (life(i).busy.load() > 0 && worker(i).pid.load() > 0)
          return sys::Kill(worker(i).pid, SIGKILL) == 0;
      }
      return false;
    });
  }
  /// TERM, and how it ended.
  std::string Drain() {
    process_.Signal(SIGTERM);
    return End();
  }
  std::string End() {
    if (!sys::test::WaitFor(process_.pidfd(), POLLIN)) return "still alive";
    return process_.TryReap()->Describe();
  }

 private:
  sys::SharedArray<Notes> notes_{1};
  ProcessPool<H> pool_;
  std::string address_;
  sys::Child process_;
};

}  // namespace hydrapool::test
