#include "harness/observe/observer.h"

#include <chrono>
#include <utility>

#include "harness/fault/process_tree.h"
#include "harness/observe/pool_watch.h"
#include "pool/sys/signals.h"

namespace hydrapool::harness {
namespace {

template <typename Poll>
std::jthread Every(sys::Nanos period, Poll poll) {
  const sys::BlockAllSignals blocked;
  return std::jthread([period, poll = std::move(poll)](const std::stop_token& stop) {
    for (bool last = false; !last;) {
      last = stop.stop_requested();
      const sys::Nanos next = sys::Now() + period;
      poll();
      if (!last) std::this_thread::sleep_for(std::chrono::nanoseconds(next - sys::Now()));
    }
  });
}

FamilySample FamilyOf(pid_t parent) {
  FamilySample sample;
  for (const pid_t pid : ChildrenOf(parent)) {
    if (const auto process = ReadProcess(pid); process && process->parent == parent)
      sample.children.push_back(process->identity);
  }
  sample.at = sys::Now();
  return sample;
}

}  // namespace

Observer::Observer(pid_t parent, std::string admin) {
  seen_.family.push_back(FamilyOf(parent));
  family_ = Every(kFamilyPeriod, [this, parent] {
    auto sample = FamilyOf(parent);
    if (sample.children != seen_.family.back().children) seen_.family.push_back(std::move(sample));
  });
  if (admin.empty()) return;
  status_ = Every(kStatusPeriod, [this, admin = std::move(admin)] {
    auto status = FetchStatus(admin);
    if (status) seen_.status.push_back({.at = sys::Now(), .workers = std::move(status->workers)});
  });
}

Observer::Seen Observer::Stop() {
  family_.request_stop();
  status_.request_stop();
  if (family_.joinable()) family_.join();
  if (status_.joinable()) status_.join();
  return std::move(seen_);
}

}  // namespace hydrapool::harness
