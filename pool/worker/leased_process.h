#pragma once

#include <array>

#include "pool/shared/lease.h"
#include "pool/sys/event_loop.h"
#include "pool/worker/request_process.h"

namespace hydrapool {

class LeasedConnection;

/// A RequestProcess over real descriptors, whose copies the parent holds.
class LeasedProcess final : public RequestProcess {
 public:
  explicit LeasedProcess(LeasedConnection& connection) : connection_(connection) {}
  ~LeasedProcess() { LeavePlace(); }
  LeasedProcess(const LeasedProcess&) = delete;
  LeasedProcess& operator=(const LeasedProcess&) = delete;

  bool ClaimPlace(const PlaceRules& rules) override;
  bool JoinLine(std::size_t most, const PlaceRules& rules) override;
  [[nodiscard]] const ProcessLine& line() const override;
  [[nodiscard]] std::size_t TurnsBefore(const PlaceRules& rules) const override;
  [[nodiscard]] PartyLimit Reaches(const PlaceRules& rules) const override;
  [[nodiscard]] bool client_finished() const override;
  void StepOutOfLine() override { line().StepOut(lease()); }
  void LeaveLine() override { line().Leave(lease()); }
  [[nodiscard]] ProcessPlaces::Place& place() const override { return *place_; }
  [[nodiscard]] std::size_t place_number() const override;
  [[nodiscard]] std::uint32_t lease() const override;
  [[nodiscard]] std::uint32_t claimant() const override;
  void Prepare() override;
  bool Offer(sys::UniqueFd output, sys::UniqueFd input, sys::UniqueFd errors) override;
  bool HoldBody(sys::UniqueFd file) override;
  [[nodiscard]] const BodyBudget& bodies() const override;
  void SetResumable() override { detail().resumable.store(true); }
  [[nodiscard]] LeaseDetail& detail() const override;
  [[nodiscard]] ProcessWord state() const override { return detail().LoadProcess(); }
  [[nodiscard]] int end(ProcessEnd which) const override {
    return ends_[static_cast<std::size_t>(which)].get();
  }
  void CloseEnd(ProcessEnd which) override;
  void LetGo() override;
  void Terminate() override { detail().terminate.store(true); }
  void TimeOut() override;
  Exchange::Progress Feed(std::uint32_t discard, std::uint32_t feed) override;
  std::uint32_t PauseFeed() override;
  [[nodiscard]] bool feeding() const override;

  // For the connection.
  /// Takes over the ends of a process that another worker has started.
  void TakeOver(std::array<sys::UniqueFd, kProcessEnds> ends);
  /// The parent holds something for the request, or its handler can resume it.
  [[nodiscard]] bool held() const { return offered_; }
  /// Calls the connection when the input takes more.
  void WatchInput();
  void StopWatching() { input_watch_.Reset(); }
  /// The request is over: a place that no process has occupied is given back.
  void LeavePlace() {
    if (place_ != nullptr) GiveBackPlace();
  }
  /// This worker's ends are closed. The parent is told to let the process finish or to end it, unless it will
  /// see to that itself when it frees the lease.
  void Drop(bool parent_frees_lease);

 private:
  LeasedConnection& connection_;
  void GiveBackPlace();
  bool Tell(std::uint8_t ends);

  ProcessPlaces::Place* place_ = nullptr;
  std::array<sys::UniqueFd, kProcessEnds> ends_;
  sys::EventLoop::Watch input_watch_;
  bool offered_ = false;
};

}  // namespace hydrapool
