#include "pool/shared/process_turns.h"

#include <algorithm>

namespace hydrapool {

std::size_t PlaceRules::Least() const {
  std::size_t least = limit;
  if (party.group != 0) least = std::min<std::size_t>(least, most_of_group);
  if (party.client != 0) least = std::min<std::size_t>(least, most_of_client);
  return least;
}

PartyLimit Reached(const PlaceRules& rules, std::span<const ProcessParty> running) {
  const ProcessParty& own = rules.party;
  if (own.group != 0 && std::ranges::count(running, own.group, &ProcessParty::group) >= rules.most_of_group)
    return PartyLimit::kGroup;
  if (own.client != 0 &&
      std::ranges::count(running, own.client, &ProcessParty::client) >= rules.most_of_client)
    return PartyLimit::kClient;
  return PartyLimit::kNone;
}

std::vector<std::uint32_t> InTurn(std::size_t free, std::vector<ProcessParty> running,
                                  std::span<const WaitingProcess> waiting) {
  std::vector<std::uint32_t> turns;
  for (const WaitingProcess& each : waiting) {
    if (turns.size() == free) break;
    if (Reached(each.rules, running) != PartyLimit::kNone) continue;
    turns.push_back(each.slot);
    running.push_back(each.rules.party);
  }
  return turns;
}

}  // namespace hydrapool
