#include "pool/worker/reply_batch.h"

#include <cstring>

namespace hydrapool {
namespace {

std::uint8_t KindOf(const Reply& reply) { return reply.kind & 7; }

}  // namespace

std::string_view FaultOf(const Reply& reply, std::size_t input, bool taken) {
  if (reply.consume > input) return "the handler consumed more than its input";
  if (reply.consume == 0 && reply.keep_open && !reply.interim && !taken)
    return "the handler consumed nothing of a request that it answered";
  return {};
}

bool ReplyBatch::Add(const Reply& reply, bool uses_notes) {
  if (!FaultOf(reply, input_ - consumed_, false).empty()) return false;
  if (!empty_ && (KindOf(reply) != kind_ || reply.part != part_)) return false;
  if (reply.bytes.size() > slab_.size() - used_) return false;
  std::memcpy(slab_.data() + used_, reply.bytes.data(), reply.bytes.size());
  used_ += reply.bytes.size();
  consumed_ += reply.consume;
  if (!reply.interim) ++requests_;
  kind_ = KindOf(reply);
  part_ = reply.part;
  empty_ = false;
  closes_ = !reply.keep_open;
  linger_ = reply.linger;
  open_ = reply.keep_open && !reply.interim && !uses_notes && requests_ < UINT8_MAX;
  return true;
}

StepPlan ReplyBatch::Plan(Phase next) const {
  const auto send = static_cast<std::uint32_t>(used_);
  return {.send = send,
          .consume = static_cast<std::uint32_t>(consumed_),
          .splice_at = send,
          .end = {.next = closes_ ? Phase::kClosing : next,
                  .in_slab = true,
                  .kind = static_cast<std::uint8_t>(kind_ & 7),
                  .requests = requests_},
          .bytes = slab_.data()};
}

}  // namespace hydrapool
