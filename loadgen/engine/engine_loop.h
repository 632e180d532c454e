#pragma once

#include <deque>

#include "loadgen/engine/engine.h"
#include "loadgen/engine/poller.h"
#include "loadgen/engine/source_addresses.h"

namespace hydrapool::loadgen {

/// The loop that keeps an engine's promises: when to send, to give up on a request, to wait and to end. What
/// a connection is and how a request goes out is the derived engine's.
///
///   until the agenda is done: send what is due → expire what is overdue → wait → handle events
///
/// A round sends a limited number of requests, so that some that fail at once keep nothing else waiting: not
/// the responses of others, nor deadlines, nor the end. In a closed loop a connection that could not be made
/// is tried again after 10 ms: at once, failures would take the CPU from all that is under way.
///
/// One thread's, as every engine.
class EngineLoop : public Engine {
 public:
  void Run(Agenda& agenda, Recorder& recorder) final;

 protected:
  EngineLoop(const Plan& plan, const StopSignal& stop);
  /// How many of its connections an engine makes at once; the loop adds the rest over the plan's ramp.
  [[nodiscard]] int FirstOf(int connections);

  /// Hands the next request to a free connection, if one is due and a connection is free.
  virtual bool SendNext(sys::Nanos now) = 0;
  /// After that was done as often as could be, once before each wait: so many were sent.
  virtual void AfterSending(int /*sent*/) {}
  /// The next requests would leave in one call with the last one.
  [[nodiscard]] virtual bool FillsUp() const { return false; }
  [[nodiscard]] virtual bool HasFreeConnection() const = 0;
  /// Makes one more, which is free from `since` on.
  virtual void AddConnection(sys::Nanos since) = 0;
  /// Of those that rest (RestsAfter) the one that has rested the longest is free from `since` on.
  virtual void EndRest(sys::Nanos since) = 0;
  /// Of the requests under way the one that was sent first; null where none is.
  [[nodiscard]] virtual const Attempt* Oldest() const = 0;
  /// There is more to send, at some later time before the end, than the agenda knows of.
  [[nodiscard]] virtual bool HasUnfinished(sys::Nanos /*now*/) const { return false; }
  /// Ends that one for want of time.
  virtual void ExpireOldest(sys::Nanos now) = 0;
  /// Reports all that are under way as in flight at the end.
  virtual void Abandon(sys::Nanos now) = 0;
  /// Counts the connections that are still open (counts_.Ended), at the very end.
  virtual void CountOpen(sys::Nanos now) = 0;
  /// A descriptor of the poller's has something to say.
  virtual void OnEvents(int fd, std::uint32_t events) = 0;
  /// When the engine wants OnWakeUp for reasons of its own.
  [[nodiscard]] virtual sys::Nanos OwnDeadline() const { return Agenda::kNever; }
  /// After each wait.
  virtual void OnWakeUp() {}

  /// To be called by the derived engine before a connection becomes free: what was due until then, while all
  /// were busy, waits or is dropped.
  void BeforeFree(sys::Nanos when) {
    if (open_loop_ && !HasFreeConnection()) WasSaturated(when);
  }
  /// To be called with each request that ends. True: its connection could not be made, and it becomes free
  /// with EndRest instead of now.
  bool RestsAfter(const Attempt& attempt, const Result& result);
  /// To be called with each request that is sent. What belongs to the warm-up does not count.
  void CountSaturated(const Arrival& arrival) {
    if (arrival.due <= saturated_until_ && arrival.due >= agenda_->start() + plan_.arrivals.warmup)
      recorder_->Saturated(1);
  }

  /// How many descriptors each thread may use for connections.
  static std::size_t DescriptorsOfAThread(const Plan& plan);

  const Plan& plan_;
  Poller poller_;
  SourceAddresses sources_;
  Agenda* agenda_ = nullptr;
  Recorder* recorder_ = nullptr;
  ConnectionCounts counts_;

 private:
  void SendAndWait();
  void ObeyStop();
  void NotePause(sys::Nanos now);
  void SendDue();
  void WasSaturated(sys::Nanos when);
  void CountNeverSent();
  void ExpireOverdue(sys::Nanos now);
  [[nodiscard]] bool NothingLeft(sys::Nanos now) const;
  [[nodiscard]] sys::Nanos GiveUpAt() const;
  [[nodiscard]] sys::Nanos WakeAt(sys::Nanos now) const;

  const StopSignal& stop_;
  const bool open_loop_;
  void AddRamp(sys::Nanos now);
  void EndRests(sys::Nanos now);
  /// When the ramp's next connection is due.
  [[nodiscard]] sys::Nanos NextOfRamp() const;

  int may_add_ = 0;                 // connections
  int of_ramp_ = 0;                 // those that the ramp brings,
  int ramped_ = 0;                  // and has brought
  std::deque<sys::Nanos> resting_;  // until when
  sys::Nanos saturated_until_ = 0;
  bool stopped_ = false;
  sys::Nanos awake_ = 0;  // when it last came to wait
};

}  // namespace hydrapool::loadgen
