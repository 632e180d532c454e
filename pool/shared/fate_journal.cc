#include "pool/shared/fate_journal.h"

#include <utility>

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
  ++total_;
  kept_.push_back(std::move(fate));
  if (kept_.size() > kMost) kept_.pop_front();
}

}  // namespace hydrapool
