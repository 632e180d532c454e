#pragma once

#include <cstddef>
#include <iterator>
#include <list>

#include "loadgen/engine/h2/stream.h"
#include "loadgen/plan/plan.h"

namespace hydrapool::loadgen {

/// A thread's streams: free ones, used again and again, and those under way. None is made for a request while
/// one is free.
class H2Streams {
 public:
  explicit H2Streams(const Plan& plan) : plan_(plan) {}

  /// So many more may be under way at once.
  void Allow(std::size_t more) { most_ += more; }
  [[nodiscard]] bool HasFree() const { return !idle_.empty() || made_ < most_; }
  /// A free one; only where there is one.
  H2Stream& Free() {
    if (idle_.empty()) {
      auto& stream = idle_.emplace_back(plan_);
      stream.self = std::prev(idle_.end());
      ++made_;
    }
    return idle_.back();
  }
  /// Its request is under way from here on.
  void Begin(H2Stream& stream) { in_flight_.splice(in_flight_.end(), idle_, stream.self); }
  void End(H2Stream& stream) { idle_.splice(idle_.end(), in_flight_, stream.self); }
  /// The same, but it is free only after EndRest.
  void Rest(H2Stream& stream) { resting_.splice(resting_.end(), in_flight_, stream.self); }
  /// Of those that rest the one that has rested the longest is free again.
  void EndRest(sys::Nanos since) {
    auto& stream = resting_.front();
    stream.free_since = since;
    idle_.splice(idle_.end(), resting_, stream.self);
  }
  /// Oldest first.
  [[nodiscard]] const std::list<H2Stream>& in_flight() const { return in_flight_; }
  /// The oldest; only where one is under way.
  [[nodiscard]] H2Stream& oldest() { return in_flight_.front(); }

 private:
  const Plan& plan_;
  std::list<H2Stream> idle_;
  std::list<H2Stream> resting_;
  std::list<H2Stream> in_flight_;
  std::size_t made_ = 0;
  std::size_t most_ = 0;
};

}  // namespace hydrapool::loadgen
