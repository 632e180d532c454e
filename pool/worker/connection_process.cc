// The process that answers a connection's request: leased like the connection, so that it outlives its
// worker.
#include <unistd.h>

#include <algorithm>

#include "pool/sys/failpoint.h"
#include "pool/worker/connection.h"
#include "pool/worker/worker.h"

namespace hydrapool {

void Connection::Prepare() {
  detail().process.store(ProcessWord{ProcessWord::State::kPreparing, ::getpid()}.Pack(),
                         std::memory_order_release);
  HYDRAPOOL_FAILPOINT("worker.prepared");
}

bool Connection::Offer(sys::UniqueFd output, sys::UniqueFd input, sys::UniqueFd errors) {
  ends_ = {std::move(output), std::move(input), std::move(errors)};
  ToParent message{.slot = slot_, .generation = generation_, .kind = ToParent::Kind::kOffer};
  std::array<int, kProcessEnds> descriptors;
  std::size_t count = 0;
  for (std::size_t i = 0; i < kProcessEnds; ++i) {
    if (!ends_[i]) continue;
    message.process_ends |= static_cast<std::uint8_t>(1u << i);
    descriptors[count++] = ends_[i].get();
  }
  offered_ = desk_.Tell(message, std::span(descriptors).first(count));
  HYDRAPOOL_FAILPOINT("worker.offered");
  return offered_;
}

bool Connection::PassGate(LeaseDetail& detail, pid_t preparer, pid_t self) {
  std::uint64_t expected = ProcessWord{ProcessWord::State::kPreparing, preparer}.Pack();
  return detail.process.compare_exchange_strong(expected,
                                                ProcessWord{ProcessWord::State::kRunning, self}.Pack());
}

void Connection::ExecFailed(LeaseDetail& detail, int error) {
  detail.process.store(ProcessWord{ProcessWord::State::kFailed, error}.Pack(), std::memory_order_release);
}

void Connection::CloseEnd(ProcessEnd which) {
  const auto index = static_cast<std::size_t>(which);
  if (!ends_[index]) return;
  if (which == ProcessEnd::kInput) input_watch_.Reset();
  ends_[index].Reset();
  if (offered_) {
    desk_.Tell({.slot = slot_,
                .generation = generation_,
                .kind = ToParent::Kind::kCloseEnd,
                .process_ends = static_cast<std::uint8_t>(1u << index)});
  }
}

void Connection::EndRequest() {
  settle_.Reset();
  once_ = false;
  if (!execution_ && !offered_) return;
  execution_.reset();
  input_watch_.Reset();
  for (sys::UniqueFd& each : ends_) each.Reset();
  if (activity_ == Activity::kGone) return;  // the parent ends the process when it frees the lease
  const ProcessWord word = process();
  if (offered_) {
    const bool running = word.state == ProcessWord::State::kRunning;
    desk_.Tell(
        {.slot = slot_,
         .generation = generation_,
         .kind = detail().terminate.load() && running ? ToParent::Kind::kTerminate : ToParent::Kind::kLetGo,
         .pid = running ? word.value : 0});
  }
  offered_ = false;
  detail().process.store(0, std::memory_order_release);
  detail().terminate.store(false);
  std::ranges::fill(detail().handler, std::byte{0});
}

}  // namespace hydrapool
