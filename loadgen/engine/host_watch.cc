#include "loadgen/engine/host_watch.h"

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "loadgen/engine/stop_signal.h"
#include "pool/sys/signals.h"

namespace hydrapool::loadgen {
namespace {

using Host = std::pair<std::string, std::string>;

bool Same(const Address& a, const Address& b) {
  return a.size == b.size && std::memcmp(&a.storage, &b.storage, a.size) == 0;
}

}  // namespace

struct ResolverWatch::State {
  StopSignal stop;
  Resolver resolver;
  std::atomic<std::uint64_t> version = 0;
  std::mutex mutex;
  std::map<Host, std::vector<Address>> now;      // guarded by mutex
  std::map<Host, std::vector<Address>> changed;  // guarded by mutex

  /// What is seen first is what the engines have, also where that is nothing.
  void Note(const Host& host, std::vector<Address> addresses) {
    const std::lock_guard lock(mutex);
    const auto [known, first] = now.try_emplace(host, addresses);
    if (first || addresses.empty() || std::ranges::is_permutation(known->second, addresses, Same)) return;
    changed[host] = addresses;
    version.fetch_add(1, std::memory_order_release);
    known->second = std::move(addresses);
  }
};

ResolverWatch::ResolverWatch(const Plan& plan, sys::Nanos every)
    : ResolverWatch(plan, every,
                    [wire = Plan{.wire = plan.wire}](const std::string& host, const std::string& port) {
                      return EndpointFor(wire, host, port);
                    }) {}

ResolverWatch::ResolverWatch(const Plan& plan, sys::Nanos every, Resolver resolver)
    : state_(std::make_shared<State>()) {
  std::map<Host, bool> hosts;
  for (const auto& target : plan.targets) {
    if (const auto url = ParseHttpUrl(target.url)) hosts[HostFor(plan, *url)] = true;
  }
  state_->resolver = std::move(resolver);
  const auto millis = static_cast<int>(std::clamp<sys::Nanos>(every / sys::kMillisecond, 1, 86'400'000));
  const sys::BlockAllSignals blocked;
  std::thread([state = state_, hosts = std::move(hosts), millis] {
    pollfd stop{.fd = state->stop.fd(), .events = POLLIN, .revents = 0};
    do {
      for (const auto& [host, known] : hosts)
        state->Note(host, state->resolver(host.first, host.second).addresses);
    } while (!state->stop.requested() && ::poll(&stop, 1, millis) == 0);
  }).detach();
}

ResolverWatch::~ResolverWatch() { state_->stop.Request(); }

std::uint64_t ResolverWatch::version() const { return state_->version.load(std::memory_order_acquire); }

std::vector<Address> ResolverWatch::AddressesOf(const std::string& host, const std::string& port) const {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->changed.find({host, port});
  return found == state_->changed.end() ? std::vector<Address>() : found->second;
}

}  // namespace hydrapool::loadgen
