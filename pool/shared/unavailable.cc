#include "pool/shared/unavailable.h"

#include "pool/shared/rescue.h"

namespace hydrapool {
namespace {

bool IsAnswered(const Unserved& lease) {
  if (lease.word.phase == Phase::kClosing) return true;
  return lease.word.phase == Phase::kResponding && lease.sent &&
         SentOfStep(*lease.sent, lease.step, lease.end) == lease.step.send &&
         lease.end.next != Phase::kExecuting;
}

}  // namespace

Farewell DecideFarewell(const Unserved& lease) {
  if (IsAnswered(lease)) return Farewell::kClose;
  if (lease.word.phase != Phase::kIdle) return Farewell::kCut;
  return lease.waiting > 0 || lease.owed != Excuse::kNone ? Farewell::kReply : Farewell::kClose;
}

}  // namespace hydrapool
