#include "pool/control/answers.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "pool/control/events.h"
#include "pool/parent/pool.h"
#include "pool/parent/steering.h"
#include "pool/shared/fate_journal.h"
#include "pool/sys/clock.h"
#include "pool/sys/real_time.h"

namespace hydrapool::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kCommands =
    "workers, leases, losses, drain SLOT, recycle SLOT, resize N, reload, upgrade, program, watch";

std::string Line(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Answer Once(std::string lines) {
  return
      [lines = std::make_optional(std::move(lines))]() mutable { return std::exchange(lines, std::nullopt); };
}

Answer Done(Json more = Json::object()) {
  Json object{{"ok", true}};
  object.update(more);
  return Once(Line(object));
}

Answer Verdict(const Steering::Refusal& refusal, Json more = Json::object()) {
  return refusal ? Refuse(*refusal) : Done(std::move(more));
}

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  constexpr std::string_view kSpaces = " \t\r";
  for (auto begin = line.find_first_not_of(kSpaces); begin != line.npos;) {
    const auto end = line.find_first_of(kSpaces, begin);
    words.push_back(line.substr(begin, end - begin));
    begin = end == line.npos ? end : line.find_first_not_of(kSpaces, end);
  }
  return words;
}

std::optional<std::size_t> Number(std::string_view text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Answer Workers(const Steering& steering) {
  std::string lines;
  for (const Steering::Worker& worker : steering.Workers(sys::Now())) {
    lines += Line({{"slot", worker.slot},
                   {"pid", worker.pid},
                   {"incarnation", worker.incarnation},
                   {"state", worker.pid == 0 && worker.drained ? "drained" : WorkerStateName(worker.state)},
                   {"drained", worker.drained},
                   {"leaves", worker.leaves},
                   {"leases", worker.leases},
                   {"busy", worker.busy},
                   {"requests", worker.requests},
                   {"memory", worker.memory},
                   {"age_s", sys::ToSeconds(worker.age)},
                   {"program", worker.program}});
  }
  return Once(lines + Line({{"ok", true}}));
}

Answer Leases(const Pool& pool) {
  constexpr std::size_t kAtOnce = 64;
  return [&pool, from = std::uint32_t{0}, done = false]() mutable -> std::optional<std::string> {
    if (done) return std::nullopt;
    const auto some = SteeringOf(pool).ConnectionsFrom(from, kAtOnce, sys::Now());
    std::string lines;
    for (const Steering::Connection& connection : some) {
      const bool held = connection.worker.has_value();
      lines += Line({{"lease", connection.lease},
                     {"peer", connection.peer},
                     {"phase", PhaseName(connection.phase)},
                     {"slot", held ? Json(*connection.worker) : Json(nullptr)},
                     {"pid", held ? Json(connection.pid) : Json(nullptr)},
                     {"steps", connection.steps},
                     {"executing_s", sys::ToSeconds(connection.executing)}});
      from = connection.lease + 1;
    }
    done = some.size() < kAtOnce;
    return done ? lines + Line({{"ok", true}}) : lines;
  };
}

Answer Losses(const Pool& pool, const Steering& steering) {
  const sys::Nanos now = sys::Now();
  std::string lines;
  for (const Fate& fate : FatesOf(pool).kept()) {
    if (fate.kind == Fate::Kind::kRescued) continue;
    const bool held = fate.worker != Fate::kNoWorker;
    lines += Line({{"ago_s", sys::ToSeconds(now - fate.at)},
                   {"peer", fate.peer},
                   {"fate", FateName(fate.kind)},
                   {"phase", PhaseName(fate.phase)},
                   {"slot", held ? Json(fate.worker) : Json(nullptr)},
                   {"pid", held ? Json(fate.pid) : Json(nullptr)}});
  }
  const Seen seen = Seen::Now(steering, DeathsOf(pool));
  return Once(lines +
              Line({{"ok", true},
                    {"lost", seen.counts[Seen::kLost]},
                    {"cut", seen.counts[Seen::kCut]},
                    {"abandoned", seen.counts[Seen::kAbandoned]},
                    {"poison", seen.counts[Seen::kPoison]},
                    {"unavailable", seen.counts[Seen::kUnavailable]},
                    {"rescued", seen.counts[Seen::kRescuedIdle] + seen.counts[Seen::kRescuedInHand]}}));
}

Answer EventsFrom(const Pool& pool, std::optional<Seen> seen) {
  bool greets = !seen;
  if (greets) seen = Seen::Now(SteeringOf(pool), DeathsOf(pool));
  return [&pool, greets, seen = *seen]() mutable -> std::optional<std::string> {
    const DeathJournal& deaths = DeathsOf(pool);
    Seen now = Seen::Now(SteeringOf(pool), deaths);
    std::vector<Json> events;
    if (std::exchange(greets, false))
      events.push_back({{"event", "watching"}, {"workers", now.counts[Seen::kWorkers]}});
    if (now != seen) {
      const auto kept = deaths.kept();
      for (Json& event : Compare(seen, now, kept)) events.push_back(std::move(event));
    }
    seen = std::move(now);
    std::string lines;
    for (Json& event : events) {
      event["at_ns"] = sys::RealTime();
      event["cursor"] = seen.Cursor();
      lines += Line(event);
    }
    return lines;
  };
}

Json Programs(const Steering& steering) {
  return {{"program", steering.life().program.load()}, {"refused", steering.life().refused.load()}};
}

Answer WithNumber(const Steering& steering, std::string_view verb, std::string_view text) {
  const auto number = Number(text);
  if (!number) return Refuse(fmt::format("{} wants a number, not '{}'", verb, text));
  if (verb == "drain") return Verdict(steering.Drain(*number), {{"slot", *number}});
  if (verb == "recycle") return Verdict(steering.Recycle(*number), {{"slot", *number}});
  return Verdict(steering.Resize(*number), {{"workers", *number}});
}

}  // namespace

Answer Refuse(const std::string& why) { return Once(Line({{"error", why}})); }

Answer Obey(const Pool& pool, std::string_view command) {
  const auto words = Words(command);
  if (words.empty()) return Refuse(fmt::format("a command is one of: {}", kCommands));
  const Steering steering = SteeringOf(pool);
  const std::string_view verb = words[0];
  if (words.size() == 2 && (verb == "drain" || verb == "recycle" || verb == "resize"))
    return WithNumber(steering, verb, words[1]);
  if (words.size() == 2 && verb == "watch") {
    auto seen = Seen::Parse(words[1]);
    return seen ? EventsFrom(pool, std::move(seen)) : Refuse("watch wants a cursor that an event has named");
  }
  if (words.size() == 1) {
    if (verb == "workers") return Workers(steering);
    if (verb == "leases") return Leases(pool);
    if (verb == "losses") return Losses(pool, steering);
    if (verb == "watch") return EventsFrom(pool, std::nullopt);
    Json programs = Programs(steering);  // as they are before
    if (verb == "program") {
      programs["draining"] = ScoreboardOf(pool).signs().draining.load();
      return Done(std::move(programs));
    }
    if (verb == "reload") return Verdict(steering.Reload(), programs);
    if (verb == "upgrade") return Verdict(steering.Upgrade(), programs);
  }
  return Refuse(
      fmt::format("no such command: '{}'; a command is one of: {}", command.substr(0, 64), kCommands));
}

}  // namespace hydrapool::control
