#include "pool/parent/reap_clock.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "pool/sys/signals.h"

namespace hydrapool {

sys::Nanos ReapClock::RunQueueWait() const {
  std::array<char, 96> text;
  const ssize_t count = schedstat_ ? ::pread(schedstat_.get(), text.data(), text.size(), 0) : -1;
  if (count <= 0) return 0;  // no such file in this kernel: the stamp stands as it is
  const char* end = text.data() + count;
  const char* second = std::find(text.data(), const_cast<char*>(end), ' ');
  sys::Nanos wait = 0;
  if (second != end) std::from_chars(second + 1, end, wait);
  return wait;
}

void ReapClock::BeforeSleep(sys::Nanos now) {
  if (now - sampled_at_ < sys::kMillisecond) return;
  if (!std::exchange(opened_, true)) schedstat_.Reset(::open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC));
  sampled_at_ = now;
  sampled_wait_ = RunQueueWait();
}

sys::Nanos ReapClock::DeathTime(sys::Nanos now) {
  const sys::Nanos stamp = sys::SignalEvents::TakeChildStamp();
  if (stamp == 0) return now;
  const sys::Nanos waited = std::max<sys::Nanos>(RunQueueWait() - sampled_wait_, 0);
  return std::clamp(stamp - waited, std::min(sampled_at_, now), now);
}

}  // namespace hydrapool
