#pragma once

#include "loadgen/engine.h"
#include "loadgen/poller.h"

namespace loadgen {

/// The loop that keeps an engine's promises: when to send, to give up on a request, to wait and to end. What
/// a connection is and how a request goes out is the derived engine's.
///
///   until the agenda is done: send what is due → expire what is overdue → wait → handle events
///
/// One thread's, as every engine.
class EngineLoop : public Engine {
 public:
  void Run(Agenda& agenda, Recorder& recorder) final;

 protected:
  EngineLoop(const Plan& plan, const StopSignal& stop);

  /// Sends what the agenda has for the free connections.
  virtual void SendDue() = 0;
  [[nodiscard]] virtual bool HasFreeConnection() const = 0;
  /// Of the requests under way the one that was sent first; null where none is.
  [[nodiscard]] virtual const Attempt* Oldest() const = 0;
  /// Ends that one for want of time.
  virtual void ExpireOldest(sys::Nanos now) = 0;
  /// Reports all that are under way as in flight at the end.
  virtual void Abandon(sys::Nanos now) = 0;
  /// A descriptor of the poller's has something to say.
  virtual void OnEvents(int fd, std::uint32_t events) = 0;
  /// When the engine wants OnWakeUp for reasons of its own.
  [[nodiscard]] virtual sys::Nanos OwnDeadline() const { return Agenda::kNever; }
  /// After each wait.
  virtual void OnWakeUp() {}

  const Plan& plan_;
  Poller poller_;
  Agenda* agenda_ = nullptr;
  Recorder* recorder_ = nullptr;

 private:
  void ObeyStop();
  void ExpireOverdue(sys::Nanos now);
  [[nodiscard]] bool NothingLeft(sys::Nanos now) const;
  [[nodiscard]] sys::Nanos GiveUpAt() const;
  [[nodiscard]] sys::Nanos WakeAt(sys::Nanos now) const;

  const StopSignal& stop_;
  bool stopped_ = false;
};

}  // namespace loadgen
