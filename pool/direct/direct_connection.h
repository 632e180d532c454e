#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hydrapool/connection.h"
#include "hydrapool/handler_adapter.h"
#include "hydrapool/pool_options.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/unique_fd.h"
#include "pool/worker/answer_watcher.h"
#include "pool/worker/worker_desk.h"

namespace hydrapool {

/// What the connections of a DirectWorker have in common.
struct DirectDesk {
  DirectDesk(Scoreboard& scoreboard, std::size_t seat, const PoolOptions& options, const HandlerType& type);

  PoolCounts& counts;
  WorkerLife& life;
  WorkerSlot& board;
  const Timeouts timeouts;
  const std::size_t max_input;
  EventLoop loop;
  WorkerInternals internals;
  WorkerContext context;
  bool draining = false;
  const bool speaks_first;
  std::string (*const abandoned_reply)(Excuse);
  std::vector<std::uint32_t> ended;  ///< slots of connections that are over
  std::unique_ptr<AnyHandler> handler;
};

/// A connection that its worker has accepted: what came and what is to leave lies in this process's memory
/// alone, and is lost with it.
///
///   open (nothing in hand ⇄ answering) → lingering → over
///
/// A request is taken from the kernel as it comes. What the handler would answer later (Start) is answered
/// with its AbandonedReply. Only for the worker's own thread.
class DirectConnection final : public Connection {
 public:
  DirectConnection(DirectDesk& desk, std::uint32_t slot, sys::UniqueFd fd);
  ~DirectConnection();
  DirectConnection(const DirectConnection&) = delete;
  DirectConnection& operator=(const DirectConnection&) = delete;

  void Begin();
  void OnTick(Nanos now);
  /// Nothing of a request has come, and no answer is on its way.
  [[nodiscard]] bool idle() const { return input_.empty() && output_.empty() && !lingers_; }
  void Close();

 private:
  [[nodiscard]] std::uint32_t slot() const override { return slot_; }
  [[nodiscard]] WorkerContext& worker() const override { return desk_.context; }
  [[nodiscard]] std::string peer() const override;
  [[nodiscard]] std::string local() const override;
  [[nodiscard]] std::uint64_t total_sent() const override { return total_sent_; }
  [[nodiscard]] std::uint64_t request_begin() const override { return total_consumed_; }
  [[nodiscard]] bool IsLast(std::uint64_t request) const override;
  [[nodiscard]] std::span<std::byte> NoteBytes() const override { return notes_; }
  [[nodiscard]] std::span<std::byte> ConnectionNoteBytes() const override { return connection_notes_; }
  [[nodiscard]] Docket docket() const override { return {docket_, docket_of_, total_consumed_ + 1}; }

  void OnEvents(std::uint32_t events);
  void Serve();
  bool Read();
  bool Answer();
  void Take(Reply reply);
  void Owe(Excuse excuse);
  bool Flush();
  void Linger();
  void Reset(const char* what);
  void SetBusy(bool busy);
  void Watch(std::uint32_t events);

  DirectDesk& desk_;
  const std::uint32_t slot_;
  sys::UniqueFd fd_;
  EventLoop::Watch watch_;
  std::uint32_t watched_ = 0;
  std::string input_;
  std::string output_;
  bool closes_ = false;   // when all of `output_` has left
  bool lingers_ = false;  // the client may still send something, which must not reset the connection
  Nanos since_ = 0;       // when it last began or ended something; or took bytes of its answer
  Nanos busy_since_ = 0;  // 0: no request is in hand
  std::uint64_t total_sent_ = 0;
  std::uint64_t total_consumed_ = 0;
  // What a handler may keep of its request; a leased connection has this in shared memory.
  alignas(16) mutable std::array<std::byte, kNotes> notes_{};
  alignas(16) mutable std::array<std::byte, kConnectionNotes> connection_notes_{};
  mutable std::vector<std::byte> docket_;
  mutable std::atomic<std::uint64_t> docket_of_{0};
};

}  // namespace hydrapool
