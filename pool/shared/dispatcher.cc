#include "pool/shared/dispatcher.h"

#include <algorithm>
#include <tuple>

namespace hydrapool {

std::optional<std::size_t> LeastBusy(std::span<const WorkerLoad> workers, std::size_t last) {
  std::optional<std::size_t> best;
  const std::size_t first = last < workers.size() ? last + 1 : 0;
  for (std::size_t step = 0; step < workers.size(); ++step) {
    const std::size_t i = (first + step) % workers.size();
    if (!workers[i].ready) continue;
    if (!best || std::tie(workers[i].executing, workers[i].leases) <
                     std::tie(workers[*best].executing, workers[*best].leases)) {
      best = i;
    }
  }
  return best;
}

std::optional<std::size_t> RoundRobin(std::span<const WorkerLoad> workers, std::size_t last) {
  for (std::size_t i = 1; i <= workers.size(); ++i) {
    const std::size_t candidate = (last + i) % workers.size();
    if (workers[candidate].ready) return candidate;
  }
  return std::nullopt;
}

std::string_view BalanceName(Balance balance) {
  return balance == Balance::kLeastBusy ? "least-busy" : "round-robin";
}

std::optional<std::size_t> Dispatcher::Choose(std::span<const WorkerLoad> workers) {
  const auto chosen = balance_ == Balance::kLeastBusy
                          ? LeastBusy(workers, last_)
                          : RoundRobin(workers, last_ < workers.size() ? last_ : workers.size() - 1);
  if (chosen) last_ = *chosen;
  return chosen;
}

std::optional<Move> EvenOut(std::span<const WorkerLoad> workers) {
  std::optional<std::size_t> fullest;
  std::optional<std::size_t> emptiest;
  std::uint32_t total = 0;
  std::uint32_t ready = 0;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    if (!workers[i].ready) continue;
    ++ready;
    total += workers[i].leases;
    if (!fullest || workers[i].leases > workers[*fullest].leases) fullest = i;
    if (!emptiest || workers[i].leases < workers[*emptiest].leases) emptiest = i;
  }
  if (ready < 2) return std::nullopt;
  const std::uint32_t mean = total / ready;
  const std::uint32_t spread = workers[*fullest].leases - workers[*emptiest].leases;
  if (spread < std::max(2u, mean / 8)) return std::nullopt;
  const std::uint32_t above = workers[*fullest].leases - mean;
  const std::uint32_t below = mean - std::min(mean, workers[*emptiest].leases);
  return Move{*fullest, *emptiest, std::max(1u, std::min(above, below))};
}

bool MayBePassedOn(const RequestToExecute& request) {
  constexpr sys::Nanos kComesWithin = 20 * sys::kMillisecond;
  return request.balance == Balance::kLeastBusy && request.others > 0 && !request.interim_sent &&
         !request.passed_on && request.parent_awake_for <= kComesWithin;
}

bool BetterElsewhere(std::uint32_t others, std::uint32_t fewest) {
  return others > fewest && others - fewest >= others / 8;
}

}  // namespace hydrapool
