#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "hydrapool/connection.h"
#include "pool/cgi/courier_notes.h"
#include "pool/shared/body_budget.h"
#include "pool/shared/lease_table.h"
#include "pool/shared/process_line.h"
#include "pool/shared/scoreboard.h"
#include "pool/worker/answer_watcher.h"
#include "pool/worker/request_process.h"
#include "pool/worker/worker_desk.h"

/// A request and its answer in memory: what an Execution says is kept, and what its client sends is a string.
namespace hydrapool::cgi {

/// A turn that comes while there are places.
class FakeTurn final : public ProcessTurn {
 public:
  int places = 1;

 private:
  [[nodiscard]] bool Claim(const PlaceRules& rules) override { return places > 0 && rules.limit > 0; }
  [[nodiscard]] bool Join(std::size_t most, const PlaceRules& rules) override {
    return line_.Join(5, most, 1, rules);
  }
  [[nodiscard]] Nanos since() const override { return line_.Since(5); }
  [[nodiscard]] std::size_t TurnsBefore(const PlaceRules&) const override { return places > 0 ? 0 : 1; }
  [[nodiscard]] PartyLimit Reaches(const PlaceRules&) const override { return PartyLimit::kNone; }
  void StepOut() override { line_.StepOut(5); }
  void Leave() override { line_.Leave(5); }
  void GiveUp() override { line_.Leave(5); }
  [[nodiscard]] ProcessPlaces::Place& place() const override { return place_; }
  [[nodiscard]] CgroupName cgroup() const override { return {}; }
  [[nodiscard]] std::uint32_t claimant() const override { return 5; }
  [[nodiscard]] bool client_finished() const override { return false; }

  mutable ProcessPlaces::Place place_{0};
  ProcessLine line_{8};
};

/// A request's process that is never started. It holds a body's file.
class FakeProcess final : public RequestProcess {
 public:
  [[nodiscard]] FakeTurn& turn() override { return turn_; }
  [[nodiscard]] std::uint32_t lease() const override { return 5; }
  void Prepare() override {}
  [[nodiscard]] bool HoldBody(sys::UniqueFd file) override {
    if (parent_is_busy) return false;
    body = std::move(file);
    ++bodies_held;
    return true;
  }
  [[nodiscard]] const BodyBudget& bodies() const override { return bodies_; }
  void SetResumable() override { detail_.resumable = true; }
  [[nodiscard]] bool Offer(sys::UniqueFd, sys::UniqueFd, sys::UniqueFd) override { return !parent_is_busy; }
  [[nodiscard]] LeaseDetail& detail() const override { return detail_; }
  [[nodiscard]] ProcessWord state() const override { return detail_.LoadProcess(); }
  [[nodiscard]] int end(ProcessEnd which) const override {
    return which == ProcessEnd::kBody && body ? body.get() : -1;
  }
  void CloseEnd(ProcessEnd which) override {
    if (which == ProcessEnd::kBody) body.Reset();
  }
  void LetGo() override {}
  void Terminate() override {}
  void TimeOut() override {}
  [[nodiscard]] Exchange::Progress Feed(std::uint32_t, std::uint32_t) override {
    return Exchange::Progress::kGone;
  }
  std::uint32_t PauseFeed() override { return 0; }
  [[nodiscard]] bool feeding() const override { return false; }

  sys::UniqueFd body;
  int bodies_held = 0;
  bool parent_is_busy = false;

 private:
  FakeTurn turn_;
  mutable LeaseDetail detail_;
  BodyBudget bodies_;
};

/// A worker without a pool.
struct FakeWorker {
  PoolCounts counts;
  Doorbell bell;
  WorkerSlot board;
  EventLoop loop;
  WorkerInternals internals{.board = board, .counts = counts, .bell = bell, .most_processes = 4};
  WorkerContext context{.loop = loop, .internals = internals};
};

class FakeExchange final : public Exchange, private Connection {
 public:
  // What the test plays and sees.
  std::string input;   ///< what the client has sent and nobody has taken
  bool ended = false;  ///< the client sends no more
  std::string sent;    ///< by steps
  std::optional<Reply> answer;
  std::unique_ptr<Execution> next;  ///< what has taken the execution's place
  bool once = false;
  bool aborted = false;
  Nanos deadline = 0;
  FakeProcess fake_process;
  mutable FakeWorker fake_worker;
  [[nodiscard]] bool over() const { return answer || next || aborted; }
  /// Lets it have its turns while there are any.
  void Run() {
    for (int rounds = 0; rounds < 1000 && timers_ > 0 && !over(); ++rounds) fake_worker.loop.RunOnce();
  }

  // Exchange
  [[nodiscard]] Connection& connection() const override { return const_cast<FakeExchange&>(*this); }
  [[nodiscard]] std::span<char> buffer() const override { return buffer_; }
  [[nodiscard]] RequestProcess& process() const override { return const_cast<FakeProcess&>(fake_process); }

 private:
  Progress Send(const Transmission& t) override {
    sent.append(buffer_.data(), t.prefix + t.suffix);
    Consume(t.consume);
    return Progress::kComplete;
  }
  Progress Answer(Reply reply) override {
    Consume(static_cast<std::uint32_t>(reply.consume));
    answer = std::move(reply);
    return Progress::kComplete;
  }
  [[nodiscard]] bool sending() const override { return false; }
  void BeginOnce() override { once = true; }
  [[nodiscard]] std::optional<std::size_t> Peek(std::span<char> into) const override {
    if (input.empty() && !ended) return std::nullopt;
    const std::size_t count = std::min(into.size(), input.size());
    std::memcpy(into.data(), input.data(), count);
    return count;
  }
  void Consume(std::uint32_t count) override {
    consumed_ += count;
    input.erase(0, count);
  }
  [[nodiscard]] std::uint64_t total_sent() const override { return sent.size(); }
  [[nodiscard]] std::uint64_t total_consumed() const override { return consumed_; }
  void SetDeadline(Nanos when) override { deadline = when; }
  [[nodiscard]] EventLoop::Watch Watch(int fd, std::uint32_t events, EventLoop::Callback call) override {
    return fake_worker.loop.Add(fd, events, std::move(call));
  }
  [[nodiscard]] EventLoop::Timer At(Nanos due, std::function<void()> call) override {
    ++timers_;
    return fake_worker.loop.At(due, [this, call = std::move(call)] {
      --timers_;
      call();
    });
  }
  void Become(std::unique_ptr<Execution> execution) override { next = std::move(execution); }
  void Abort() override { aborted = true; }

  // Connection
  [[nodiscard]] std::uint32_t slot() const override { return 5; }
  [[nodiscard]] WorkerContext& worker() const override { return fake_worker.context; }
  [[nodiscard]] std::string peer() const override { return "127.0.0.1:50000"; }
  [[nodiscard]] std::string local() const override { return "127.0.0.1:80"; }
  [[nodiscard]] std::uint64_t request_begin() const override { return consumed_; }
  [[nodiscard]] bool IsLast(std::uint64_t) const override { return false; }
  [[nodiscard]] std::span<std::byte> NoteBytes() const override { return notes_; }
  [[nodiscard]] std::span<std::byte> ConnectionNoteBytes() const override { return connection_notes_; }
  [[nodiscard]] Docket docket() const override { return {docket_, docket_of_, 1}; }

  alignas(16) mutable std::array<std::byte, kNotes> notes_{};
  alignas(16) mutable std::array<std::byte, kConnectionNotes> connection_notes_{};
  alignas(16) mutable std::array<std::byte, kDocketBytes> docket_{};
  mutable std::atomic<std::uint64_t> docket_of_{0};
  mutable std::array<char, 64 * 1024> buffer_{};
  std::uint64_t consumed_ = 0;
  int timers_ = 0;
};

}  // namespace hydrapool::cgi
