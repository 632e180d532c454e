#include "pool/shared/fate_journal.h"

#include <algorithm>
#include <atomic>

namespace hydrapool {

std::string_view FateName(Fate::Kind kind) {
  switch (kind) {
    case Fate::Kind::kRescued:
      return "rescued";
    case Fate::Kind::kLost:
      return "lost";
    case Fate::Kind::kCut:
      return "cut";
    case Fate::Kind::kAbandoned:
      return "abandoned";
    case Fate::Kind::kPoison:
      return "poison";
    case Fate::Kind::kUnavailable:
      return "unavailable";
  }
  return "?";
}

void FateJournal::Add(Fate fate) {
  Shared& shared = shared_[0];
  Entry& entry = shared.entries[shared.total % kMost];
  entry = {.at = fate.at,
           .worker = fate.worker,
           .pid = fate.pid,
           .phase = fate.phase,
           .kind = fate.kind,
           .peer = {}};
  fate.peer.copy(entry.peer.data(), kLongestPeer);
  std::atomic_signal_fence(std::memory_order_seq_cst);  // whole before it counts
  ++shared.total;
}

std::vector<Fate> FateJournal::kept() const {
  const Shared& shared = shared_[0];
  std::vector<Fate> fates;
  for (std::uint64_t i = shared.total - std::min<std::uint64_t>(shared.total, kMost); i < shared.total; ++i) {
    const Entry& entry = shared.entries[i % kMost];
    fates.push_back({.at = entry.at,
                     .peer = entry.peer.data(),
                     .worker = entry.worker,
                     .pid = entry.pid,
                     .phase = entry.phase,
                     .kind = entry.kind});
  }
  return fates;
}

}  // namespace hydrapool
