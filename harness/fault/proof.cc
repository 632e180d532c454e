#include "harness/fault/proof.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdlib>

#include "pool/sys/child.h"

namespace hydrapool::harness {
namespace {

Finding Mismatched(std::string words) { return {.proof = Proof::kMismatched, .words = std::move(words)}; }

constexpr Finding Confirmed() { return {.proof = Proof::kConfirmed}; }

std::string EndOf(int wait_status) {
  if (WIFSIGNALED(wait_status)) return sys::SignalName(WTERMSIG(wait_status));
  return fmt::format("exit_{}", WEXITSTATUS(wait_status));
}

Finding ProveDeath(const FaultInfo& fault, const Evidence& evidence) {
  if (fault.effect == Effect::kHolds) {
    if (evidence.seen == true) return Confirmed();
    return {.proof = Proof::kUnproved, .words = "it died before the fault was seen to hold"};
  }
  if (fault.effect == Effect::kRenews) return Mismatched("the main process ended");
  if (fault.fault == Fault::kOom && evidence.seen != true)
    return Mismatched("it died, and the OOM killer of its group has not struck");
  if (!evidence.wait_status) return Confirmed();
  const int status = *evidence.wait_status;
  const bool by_it = WIFSIGNALED(status) && WTERMSIG(status) == fault.signal;
  const bool may_leave = fault.effect != Effect::kEnds && !WIFSIGNALED(status);
  if (by_it || may_leave) return Confirmed();
  return Mismatched(fmt::format("it ended with {}, not by {}", EndOf(status), sys::SignalName(fault.signal)));
}

Finding ProveHold(const Evidence& evidence) {
  if (evidence.seen == false) return Mismatched("it was seen not to hold");
  if (!evidence.undone) return Mismatched("it could not be taken back");
  if (!evidence.seen)
    return {.proof = Proof::kUnproved, .words = "whether it held could not be seen in its time"};
  return Confirmed();
}

}  // namespace

std::string_view Name(Proof proof) {
  switch (proof) {
    case Proof::kConfirmed:
      return "confirmed";
    case Proof::kMismatched:
      return "mismatched";
    case Proof::kUnproved:
      return "unproved";
  }
  std::abort();
}

Finding Prove(const FaultInfo& fault, const Evidence& evidence) {
  if (evidence.dead) return ProveDeath(fault, evidence);
  switch (fault.effect) {
    case Effect::kEnds:
    case Effect::kAsks:
      return Mismatched("it still lived at the deadline");
    case Effect::kTells:
      if (evidence.ignored) return Mismatched(fmt::format("it ignores {}", sys::SignalName(fault.signal)));
      if (evidence.seen != true)
        return Mismatched(fmt::format("it did not take {}", sys::SignalName(fault.signal)));
      return Confirmed();
    case Effect::kHolds:
      return ProveHold(evidence);
    case Effect::kRenews:
      if (!evidence.refused.empty()) return Mismatched(evidence.refused);
      if (evidence.seen != true) return Mismatched("its workers were not seen to be replaced");
      return Confirmed();
  }
  std::abort();
}

}  // namespace hydrapool::harness
