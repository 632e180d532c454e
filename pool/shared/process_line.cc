#include "pool/shared/process_line.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "pool/sys/failpoint.h"

namespace hydrapool {
namespace {

// Whoever shares the memory may have spoilt it.
std::size_t Within(std::size_t used, std::size_t leases) { return std::min(used, leases); }

}  // namespace

bool ProcessLine::Join(std::uint32_t slot, std::size_t most, sys::Nanos now, const PlaceRules& rules) const {
  const auto keep = [&] {
    entries_[slot].party.store(Packed(rules.party));
    entries_[slot].most.store(Packed({.group = rules.most_of_group, .client = rules.most_of_client}));
    if (rules.apart()) shared_[0].apart.store(true);
  };
  if (Holds(slot)) {
    keep();  // the rules may be others since
    return true;
  }
  if (size() >= most) return false;
  if (rules.apart() && SizeOf(rules.party) >= std::max<std::size_t>(most / kPartysShare, 1)) return false;
  std::uint32_t used = shared_[0].used.load();
  while (used <= slot && !shared_[0].used.compare_exchange_weak(used, slot + 1)) {
  }
  entries_[slot].since.store(now);
  keep();
  HYDRAPOOL_STORE_POINT("line.joined", &entries_[slot].ticket);
  entries_[slot].ticket.store(shared_[0].tickets.fetch_add(1) + 1);
  return true;
}

void ProcessLine::Remove(std::uint32_t slot) const {
  HYDRAPOOL_STORE_POINT("line.left", &entries_[slot].ticket);
  entries_[slot].ticket.store(0);
}

void ProcessLine::StepOut(std::uint32_t slot) const {
  std::uint64_t ticket = TicketOf(slot);
  if (!Waits(ticket)) return;
  HYDRAPOOL_STORE_POINT("line.stepped_out", &entries_[slot].ticket);
  entries_[slot].ticket.compare_exchange_strong(ticket, ticket | kSteppedOut);
}

void ProcessLine::StepBack(std::uint32_t slot) const {
  std::uint64_t ticket = TicketOf(slot);
  if ((ticket & kSteppedOut) == 0) return;
  HYDRAPOOL_STORE_POINT("line.stepped_back", &entries_[slot].ticket);
  entries_[slot].ticket.compare_exchange_strong(ticket, ticket & ~kSteppedOut);
}

sys::Nanos ProcessLine::Since(std::uint32_t slot) const {
  return Holds(slot) ? entries_[slot].since.load() : 0;
}

std::size_t ProcessLine::Before(std::uint32_t slot) const {
  std::uint64_t own = TicketOf(slot) & ~kSteppedOut;
  if (own == 0) own = std::numeric_limits<std::uint64_t>::max();
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < Within(used(), entries_.size()); ++i) {
    const std::uint64_t ticket = TicketOf(i);
    count += Waits(ticket) && ticket < own ? 1 : 0;
  }
  return count;
}

std::size_t ProcessLine::size() const {
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < Within(used(), entries_.size()); ++i) count += Waits(TicketOf(i)) ? 1 : 0;
  return count;
}

std::size_t ProcessLine::SizeOf(const ProcessParty& party) const {
  std::size_t of_group = 0;
  std::size_t of_client = 0;
  for (std::uint32_t i = 0; i < Within(used(), entries_.size()); ++i) {
    if (!Waits(TicketOf(i))) continue;
    const ProcessParty each = UnpackedParty(entries_[i].party.load());
    of_group += party.group != 0 && each.group == party.group ? 1 : 0;
    of_client += party.client != 0 && each.client == party.client ? 1 : 0;
  }
  return std::max(of_group, of_client);
}

std::size_t ProcessLine::TurnsBefore(std::uint32_t slot, const PlaceRules& rules,
                                     const ProcessPlaces& places) const {
  if (!rules.apart() && !apart()) {
    const std::size_t taken = places.taken(rules.before) + Before(slot);
    return taken < rules.limit ? 0 : taken + 1 - rules.limit;
  }
  std::vector<WaitingProcess> waiting = Waiting();
  const auto own = std::ranges::find(waiting, slot, &WaitingProcess::slot);
  if (own == waiting.end()) waiting.push_back({slot, rules});
  const std::size_t taken = places.taken(rules.before);
  const auto turns =
      hydrapool::InTurn(rules.limit - std::min(taken, rules.limit), places.Parties(rules.before), waiting);
  return std::ranges::find(turns, slot) != turns.end() ? 0 : 1 + Before(slot);
}

std::vector<std::uint32_t> ProcessLine::InTurn(std::size_t free, const ProcessPlaces& places) const {
  return apart() ? hydrapool::InTurn(free, places.Parties(), Waiting()) : First(free);
}

std::vector<WaitingProcess> ProcessLine::Waiting() const {
  std::vector<WaitingProcess> waiting;
  for (const std::uint32_t slot : First(entries_.size())) {
    const ProcessParty most = UnpackedParty(entries_[slot].most.load());
    waiting.push_back({slot,
                       {.party = UnpackedParty(entries_[slot].party.load()),
                        .most_of_group = most.group,
                        .most_of_client = most.client}});
  }
  return waiting;
}

std::vector<std::uint32_t> ProcessLine::First(std::size_t count) const {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> waiting;
  for (std::uint32_t i = 0; i < Within(used(), entries_.size()); ++i) {
    if (const std::uint64_t ticket = TicketOf(i); Waits(ticket)) waiting.emplace_back(ticket, i);
  }
  count = std::min(count, waiting.size());
  std::ranges::partial_sort(waiting, waiting.begin() + static_cast<std::ptrdiff_t>(count));
  std::vector<std::uint32_t> slots;
  for (std::size_t i = 0; i < count; ++i) slots.push_back(waiting[i].second);
  return slots;
}

}  // namespace hydrapool
