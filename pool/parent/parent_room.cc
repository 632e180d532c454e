// Places for newcomers when all are taken.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "pool/parent/parent.h"
#include "pool/sys/tcp_counters.h"

namespace hydrapool {
namespace {

constexpr std::size_t kSparesAtOnce = 256;
constexpr sys::Nanos kLookAgain = 50 * sys::kMillisecond;

}  // namespace

bool Pool::Parent::SomebodyWaits(const Listener& listener) {
  pollfd state{listener.fd.get(), POLLIN, 0};
  return ::poll(&state, 1, 0) > 0;
}

// False: none can be spared now.
bool Pool::Parent::MakeRoom() {
  const auto close_one = [this] {
    while (!spares_.empty()) {
      const Spare spare = spares_.front();
      spares_.pop_front();
      if (CloseSpare(spare)) return true;
    }
    return false;
  };
  if (close_one()) return true;
  if (sys::Now() < look_for_spares_) return false;
  FindSpares();
  if (spares_.empty()) look_for_spares_ = sys::Now() + kLookAgain;
  return close_one();
}

void Pool::Parent::FindSpares() {
  const sys::Nanos long_ago = sys::Now() - options.timeouts.spare;
  std::vector<Spare> idle;
  for (const std::uint32_t slot : book_.OpenSlots()) {
    const LeaseDetail& detail = table_.detail(slot);
    const Spare spare{.slot = slot,
                      .word = table_.lease(slot).Load(),
                      .idle_since = detail.deadline.load() - options.timeouts.keep_alive};
    const bool carries_something = spare.word.phase != Phase::kIdle || detail.head_begun.load() ||
                                   table_.lease(slot).verdict != Verdict::kNone;
    const bool on_its_way = book_.owner(slot) == LeaseBook::kNobody || detail.deadline.load() == 0;
    if (!carries_something && !on_its_way && spare.idle_since <= long_ago) idle.push_back(spare);
  }
  const auto first = FirstToGo(std::move(idle), kSparesAtOnce);
  spares_.assign(first.begin(), first.end());
}

bool Pool::Parent::CloseSpare(const Spare& spare) {
  const int fd = book_.fd(spare.slot);
  if (table_.lease(spare.slot).Load() != spare.word || sys::BytesWaiting(fd) > 0) return false;
  if (!TakeIdle(spare.slot)) return false;
  if (sys::BytesWaiting(fd) > 0) {  // it came before nobody could take it up any more
    GiveIdle(spare.slot);
    return false;
  }
  ::shutdown(fd, SHUT_RDWR);  // the worker sees that at once, and lets go of its copy
  book_.Free(spare.slot);
  scoreboard.counts().idle_closed.Add();
  return true;
}

}  // namespace hydrapool
