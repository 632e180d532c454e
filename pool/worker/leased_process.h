#pragma once

#include <array>

#include "pool/shared/lease.h"
#include "pool/shared/process_line.h"
#include "pool/sys/event_loop.h"
#include "pool/worker/request_process.h"

namespace hydrapool {

class LeasedConnection;

/// A ProcessTurn in the lines and places of the pool.
class LeasedTurn final : public ProcessTurn {
 public:
  explicit LeasedTurn(LeasedConnection& connection) : connection_(connection) {}
  ~LeasedTurn() {
    if (place_ != nullptr) LeavePlace();
  }
  void GiveUp() override;

 private:
  [[nodiscard]] bool Claim(const PlaceRules& rules) override;
  [[nodiscard]] bool Join(std::size_t most, const PlaceRules& rules) override;
  [[nodiscard]] sys::Nanos since() const override { return line().Since(slot()); }
  [[nodiscard]] std::size_t TurnsBefore(const PlaceRules& rules) const override;
  [[nodiscard]] PartyLimit Reaches(const PlaceRules& rules) const override;
  void StepOut() override { line().StepOut(slot()); }
  void Leave() override { line().Leave(slot()); }
  [[nodiscard]] ProcessPlaces::Place& place() const override { return *place_; }
  [[nodiscard]] CgroupName cgroup() const override {
    const std::size_t number = places().NumberOf(*place_);
    return {.place = number, .tenancy = places().Tenancies(number)};
  }
  [[nodiscard]] std::uint32_t claimant() const override;
  [[nodiscard]] bool client_finished() const override;

  [[nodiscard]] std::uint32_t slot() const;
  [[nodiscard]] const ProcessLine& line() const;
  [[nodiscard]] const ProcessPlaces& places() const;
  void LeavePlace();

  LeasedConnection& connection_;
  ProcessPlaces::Place* place_ = nullptr;
};

/// A RequestProcess over real descriptors, whose copies the parent holds.
class LeasedProcess final : public RequestProcess {
 public:
  explicit LeasedProcess(LeasedConnection& connection) : connection_(connection), turn_(connection) {}

  [[nodiscard]] LeasedTurn& turn() override { return turn_; }
  /// Takes over the ends of a process that another worker has started.
  void TakeOver(std::array<sys::UniqueFd, kProcessEnds> ends);
  /// The parent holds something for the request, or its handler can resume it.
  [[nodiscard]] bool held() const { return offered_; }
  /// Calls the connection when the input takes more.
  void WatchInput();
  void StopWatching() { input_watch_.Reset(); }
  void Terminate() override { detail().terminate.store(true); }
  /// This worker's ends are closed. The parent is told to let the process finish or to end it, unless it will
  /// see to that itself when it frees the lease.
  void Drop(bool parent_frees_lease);

 private:
  [[nodiscard]] std::uint32_t lease() const override;
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
  void TimeOut() override;
  Exchange::Progress Feed(std::uint32_t discard, std::uint32_t feed) override;
  std::uint32_t PauseFeed() override;
  [[nodiscard]] bool feeding() const override;

  bool Tell(std::uint8_t ends);

  LeasedConnection& connection_;
  LeasedTurn turn_;
  std::array<sys::UniqueFd, kProcessEnds> ends_;
  sys::EventLoop::Watch input_watch_;
  bool offered_ = false;
};

}  // namespace hydrapool
