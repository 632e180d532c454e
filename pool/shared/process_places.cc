#include "pool/shared/process_places.h"

#include <algorithm>

#include "pool/sys/failpoint.h"

namespace hydrapool {
namespace {

// Whoever shares the memory may have spoilt it, and a launcher that reads it is another user's.
std::size_t Within(std::size_t used) { return std::min(used, ProcessPlaces::kMost); }

}  // namespace

ProcessPlaces::Place* ProcessPlaces::Claim(std::uint32_t lease, std::size_t limit) const {
  for (std::uint32_t i = 0; i < std::min(limit, kMost); ++i) {
    if (places_[i].load() != 0) continue;
    std::uint32_t used = used_[0].load();
    while (used <= i && !used_[0].compare_exchange_weak(used, i + 1)) {
    }
    std::uint32_t free = 0;
    HYDRAPOOL_STORE_POINT("place.claimed", &places_[i]);
    if (places_[i].compare_exchange_strong(free, Claimed(lease))) return &places_[i];
  }
  return nullptr;
}

bool ProcessPlaces::Occupy(Place& place, std::uint32_t lease, pid_t self) {
  std::uint32_t claimed = Claimed(lease);
  HYDRAPOOL_STORE_POINT("place.occupied", &place);
  return place.compare_exchange_strong(claimed, Occupied(self));
}

void ProcessPlaces::GiveBack(Place& place, std::uint32_t lease) {
  std::uint32_t claimed = Claimed(lease);
  HYDRAPOOL_STORE_POINT("place.given_back", &place);
  place.compare_exchange_strong(claimed, 0);
}

ProcessPlaces::Place* ProcessPlaces::Find(std::uint32_t lease) const {
  for (std::size_t i = 0; i < Within(used()); ++i) {
    if (places_[i].load() == Claimed(lease)) return &places_[i];
  }
  return nullptr;
}

void ProcessPlaces::GiveBack(std::uint32_t lease) const {
  for (std::size_t i = 0; i < Within(used()); ++i) {
    if (places_[i].load() == Claimed(lease)) GiveBack(places_[i], lease);
  }
}

std::vector<pid_t> ProcessPlaces::Occupants() const {
  std::vector<pid_t> pids;
  for (std::size_t i = 0; i < Within(used()); ++i) {
    const std::uint32_t place = places_[i].load();
    if ((place & kOccupied) != 0) pids.push_back(static_cast<pid_t>(place & ~(kOccupied | kTimedOut)));
  }
  return pids;
}

void ProcessPlaces::NoteTimeout(pid_t pid) const {
  for (std::size_t i = 0; i < Within(used()); ++i) {
    std::uint32_t occupied = Occupied(pid);
    if (places_[i].compare_exchange_strong(occupied, occupied | kTimedOut)) return;
  }
}

void ProcessPlaces::Note(const Place& place, sys::Nanos begun, std::uint8_t part, ProcessParty party) const {
  Tenancy& tenancy = tenancies_[NumberOf(place)];
  tenancy.begun = begun;
  tenancy.part = part;
  tenancy.party.store(Packed(party));
}

std::vector<ProcessParty> ProcessPlaces::Parties(pid_t but) const {
  std::vector<ProcessParty> parties;
  for (std::size_t i = 0; i < Within(used()); ++i) {
    if (Counts(places_[i].load(), but)) parties.push_back(UnpackedParty(tenancies_[i].party.load()));
  }
  return parties;
}

ProcessPlaces::Freed ProcessPlaces::Free(pid_t pid) const {
  const std::size_t end = Within(used());
  for (std::size_t i = 0; i < end; ++i) {
    std::uint32_t place = places_[i].load();
    while (IsOf(place, pid)) {
      const Freed was{.begun = tenancies_[i].begun, .part = tenancies_[i].part};
      if (!places_[i].compare_exchange_weak(place, 0)) continue;
      using What = Freed::What;
      return {.what = (place & kTimedOut) != 0 ? What::kPlaceOfTimedOut : What::kPlace,
              .begun = was.begun,
              .part = was.part};
    }
  }
  return {};
}

std::optional<std::size_t> ProcessPlaces::NumberOf(pid_t pid) const {
  for (std::size_t i = 0; i < Within(used()); ++i) {
    if (IsOf(places_[i].load(), pid)) return i;
  }
  return std::nullopt;
}

std::size_t ProcessPlaces::taken(pid_t but) const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < Within(used()); ++i) count += Counts(places_[i].load(), but) ? 1 : 0;
  return count;
}

}  // namespace hydrapool
