#include "pool/control/events.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "pool/parent/steering.h"
#include "pool/shared/phase.h"

namespace hydrapool::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostSlots = 1024;

std::uint64_t Pack(const Seen::Slot& slot) {
  return slot.incarnation << 2 | (slot.ready ? 2u : 0u) | (slot.drained ? 1u : 0u);
}

Seen::Slot Unpack(std::uint64_t number) {
  return {.incarnation = number >> 2, .ready = (number & 2) != 0, .drained = (number & 1) != 0};
}

/// A server that was started anew counts from the beginning.
std::uint64_t Grown(const Seen& before, const Seen& after, Seen::Count count) {
  const std::uint64_t was = before.counts[count];
  const std::uint64_t is = after.counts[count];
  return is >= was ? is - was : is;
}

void AddEnds(std::vector<Json>& events, std::uint64_t count, std::span<const WorkerDeath> deaths) {
  if (count > deaths.size()) events.push_back({{"event", "missed-ends"}, {"ends", count - deaths.size()}});
  for (std::size_t i = std::min<std::size_t>(count, deaths.size()); i-- > 0;) {
    const WorkerDeath& death = deaths[i];
    events.push_back({{"event", "worker-ended"},
                      {"slot", death.slot},
                      {"pid", death.pid},
                      {"cause", kExitCauses[death.cause]},
                      {"lived_s", sys::ToSeconds(death.lived)},
                      {"carried", death.carried},
                      {"harmed", death.harmed}});
  }
}

void AddSlots(std::vector<Json>& events, const Seen& before, const Seen& after) {
  for (std::size_t i = 0; i < after.slots.size(); ++i) {
    const Seen::Slot was = i < before.slots.size() ? before.slots[i] : Seen::Slot{};
    const Seen::Slot& is = after.slots[i];
    if (is.drained != was.drained)
      events.push_back({{"event", is.drained ? "slot-drained" : "slot-filled"}, {"slot", i}});
    if (is.ready && (!was.ready || is.incarnation != was.incarnation))
      events.push_back({{"event", "worker-ready"}, {"slot", i}, {"incarnation", is.incarnation}});
  }
}

}  // namespace

Seen Seen::Now(const Steering& steering, const DeathJournal& deaths) {
  const Scoreboard& board = steering.scoreboard();
  const PoolCounts& counts = board.counts();
  Seen seen;
  for (std::size_t i = 0; i < board.workers(); ++i) {
    seen.slots.push_back({.incarnation = board.slot(i).incarnation,
                          .ready = board.life_of(i).state == WorkerState::kReady,
                          .drained = steering.IsDrained(i)});
    seen.counts[kCut] += board.slot(i).cut.value();
    seen.counts[kAbandoned] += board.slot(i).abandoned.value();
  }
  for (std::size_t phase = 0; phase < kPhaseNames.size(); ++phase) {
    const bool idle = phase == PhaseIndex(Phase::kIdle);
    seen.counts[idle ? kRescuedIdle : kRescuedInHand] += counts.rescued[phase].value();
    seen.counts[kLost] += counts.lost[phase].value();
  }
  seen.counts[kDeaths] = deaths.total();
  seen.counts[kParents] = counts.parents.value();
  seen.counts[kPrograms] = steering.life().program;
  seen.counts[kRefused] = steering.life().refused;
  seen.counts[kWorkers] = steering.life().workers;
  seen.counts[kDraining] = board.signs().draining ? 1 : 0;
  seen.counts[kCut] += counts.cut.value();
  seen.counts[kAbandoned] += counts.abandoned.value();
  seen.counts[kPoison] = counts.poison.value();
  seen.counts[kUnavailable] = counts.unavailable.value();
  return seen;
}

std::string Seen::Cursor() const {
  std::string text;
  for (const std::uint64_t count : counts) text += std::to_string(count) + ".";
  for (const Slot& slot : slots) text += std::to_string(Pack(slot)) + ".";
  text.pop_back();
  return text;
}

std::optional<Seen> Seen::Parse(std::string_view cursor) {
  std::vector<std::uint64_t> numbers;
  for (bool more = true; more;) {
    const auto dot = cursor.find('.');
    const std::string_view word = cursor.substr(0, dot);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
    numbers.push_back(number);
    more = dot != cursor.npos;
    if (more) cursor.remove_prefix(dot + 1);
  }
  if (numbers.size() < kCounts || numbers.size() > kCounts + kMostSlots) return std::nullopt;
  Seen seen;
  std::copy_n(numbers.begin(), seen.counts.size(), seen.counts.begin());
  for (std::size_t i = kCounts; i < numbers.size(); ++i) seen.slots.push_back(Unpack(numbers[i]));
  return seen;
}

std::vector<Json> Compare(const Seen& before, const Seen& after, std::span<const WorkerDeath> deaths) {
  std::vector<Json> events;
  const auto grown = [&](Seen::Count count) { return Grown(before, after, count); };
  if (grown(Seen::kPrograms) > 0)
    events.push_back({{"event", "program-replaced"}, {"program", after.counts[Seen::kPrograms]}});
  if (grown(Seen::kParents) > 0)
    events.push_back({{"event", "parent-replaced"}, {"parents", after.counts[Seen::kParents]}});
  if (grown(Seen::kRefused) > 0)
    events.push_back({{"event", "program-refused"}, {"refused", after.counts[Seen::kRefused]}});
  if (before.counts[Seen::kWorkers] != after.counts[Seen::kWorkers])
    events.push_back({{"event", "resized"}, {"workers", after.counts[Seen::kWorkers]}});
  if (grown(Seen::kDraining) > 0) events.push_back({{"event", "draining"}});
  AddEnds(events, grown(Seen::kDeaths), deaths);
  if (const auto idle = grown(Seen::kRescuedIdle), in_hand = grown(Seen::kRescuedInHand); idle + in_hand > 0)
    events.push_back({{"event", "rescued"}, {"idle", idle}, {"in_hand", in_hand}});
  Json harmed{{"event", "harmed"}};
  constexpr std::array<std::pair<Seen::Count, const char*>, 5> kHarms{{{Seen::kLost, "lost"},
                                                                       {Seen::kCut, "cut"},
                                                                       {Seen::kAbandoned, "abandoned"},
                                                                       {Seen::kPoison, "poison"},
                                                                       {Seen::kUnavailable, "unavailable"}}};
  for (const auto& [count, name] : kHarms) {
    if (const std::uint64_t more = grown(count); more > 0) harmed[name] = more;
  }
  if (harmed.size() > 1) events.push_back(std::move(harmed));
  AddSlots(events, before, after);
  return events;
}

}  // namespace hydrapool::control
