#pragma once

#include <cstdint>
#include <optional>

#include "pool/shared/lease_word.h"

namespace hydrapool {

/// What a request has done to its workers so far.
struct RequestPast {
  std::uint32_t strikes = 0;
  std::uint32_t rescues = 0;
  std::uint32_t steps = 0;    ///< of its lease, when it was looked at last
  std::uint64_t process = 0;  ///< a number that no other request has; 0: none
};

/// What the parent remembers of the rescues of one lease. In shared memory: each change is ordered so that
/// the next parent, which does a rescue again that this one has died over, counts it once.
class RescueRecord {
 public:
  /// Of the request in hand. After a step completed since the last look the count starts again, unless it is
  /// known to be the same request's by its `process`.
  RequestPast& Of(std::uint32_t steps, std::uint64_t process = 0);
  /// The same for the rescue of a lease with this word, as it was before the rescue: one that the parent
  /// before has begun is counted once.
  RequestPast& ForRescue(LeaseWord word, std::uint64_t process);
  /// Its rescue is about to leave the lease with this word.
  void NoteRelent(LeaseWord word);
  /// Its word is what a rescue has left: nothing has been answered on it since.
  [[nodiscard]] bool IsAsRescued(LeaseWord word) const { return relent_ == word.Pack(); }
  /// The parent is about to send a reply of its own, with `sent` bytes before it. What was noted so before;
  /// nullopt: nothing.
  std::optional<std::uint64_t> NoteFarewell(std::uint64_t sent);

 private:
  std::uint64_t orphan_ = 0;    // the word whose rescue was begun last; 0: none
  std::uint64_t relent_ = 0;    // the word of NoteRelent; 0: none
  std::uint64_t farewell_ = 0;  // 1 + NoteFarewell
  RequestPast past_;
  RequestPast before_;  // `past_` as the rescue of `orphan_` found it
};

}  // namespace hydrapool
