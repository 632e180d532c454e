#include "metrics/status_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "metrics/duration_counts.h"
#include "metrics/fairness.h"
#include "metrics/shares.h"
#include "pool/shared/readiness.h"
#include "pool/sys/child.h"

namespace hydrapool::metrics {
namespace {

using Json = nlohmann::ordered_json;

template <std::size_t N>
std::uint64_t Sum(const std::array<hydrapool::Counter, N>& counters) {
  std::uint64_t sum = 0;
  for (const hydrapool::Counter& counter : counters) sum += counter.value();
  return sum;
}

std::string LastExit(const hydrapool::WorkerSlot& slot) {
  constexpr int kSignalled = 256;
  if (slot.incarnation <= 1) return "null";
  const int last = slot.last_exit;
  return last < kSignalled ? fmt::format(R"("exit_{}")", last)
                           : fmt::format(R"("{}")", sys::SignalName(last - kSignalled));
}

/// How long ago it was, in microseconds; null: it has not come yet in this life.
std::string AgeOf(sys::Nanos at, sys::Nanos now) {
  return at == 0 ? "null" : fmt::to_string(std::max<sys::Nanos>(now - at, 0) / sys::kMicrosecond);
}

/// The part that grows with the pool, so it is written straight out: four times as fast as by way of Json.
std::string Workers(const hydrapool::Scoreboard& board, sys::Nanos now) {
  fmt::memory_buffer text;
  for (std::size_t i = 0; i < board.workers(); ++i) {
    const hydrapool::WorkerSlot& slot = board.slot(i);
    fmt::format_to(
        std::back_inserter(text),
        R"({}{{"slot":{},"pid":{},"incarnation":{},"program":{},"state":"{}","leases":{},"busy":{},"requests":{},)"
        R"("heartbeat_age_s":{:.3f},"ready_age_us":{},"answered_age_us":{},"last_exit":{}}})",
        i == 0 ? "" : ",", i, slot.pid.load(), slot.incarnation.load(), board.life_of(i).program,
        hydrapool::WorkerStateName(board.life_of(i).state), slot.leases.load(), board.life_of(i).busy.load(),
        slot.requests(), sys::ToSeconds(board.life_of(i).HeartbeatAge(now)),
        AgeOf(board.life_of(i).ready_at, now), AgeOf(board.life_of(i).first_reply_at, now), LastExit(slot));
  }
  return fmt::to_string(text);
}

Json Durations(const DurationCounts& durations) {
  const auto quantile = [&durations](double q) {
    const std::optional<double> seconds = durations.Quantile(q);
    return seconds ? Json(*seconds) : Json(nullptr);
  };
  return {{"count", durations.total()}, {"p50", quantile(0.5)}, {"p99", quantile(0.99)}};
}

Json Durations(const hydrapool::DurationHistogram& histogram) {
  DurationCounts durations;
  durations.Add(histogram);
  return Durations(durations);
}

/// What the slots add up to.
struct Totals {
  std::uint64_t busy = 0;
  std::uint64_t requests = 0;
  std::uint64_t cut = 0;
  std::uint64_t abandoned = 0;
  std::uint64_t started = 0;
  DurationCounts request;
  DurationCounts start;

  explicit Totals(const hydrapool::Scoreboard& board) {
    request.AddRequests(board);
    for (std::size_t i = 0; i < board.workers(); ++i) {
      const hydrapool::WorkerSlot& slot = board.slot(i);
      requests += slot.requests();
      cut += slot.cut.value();
      abandoned += slot.abandoned.value();
      started += slot.executions_started.value();
      start.Add(slot.execution_start_seconds);
    }
    for (const hydrapool::WorkerLife& life : board.lives()) busy += life.busy;
  }
};

Json Leases(const hydrapool::PoolCounts& counts, std::uint64_t busy) {
  const std::uint64_t open = counts.open_leases;
  const std::uint64_t unassigned = counts.unassigned;
  return {{"open", open},
          {"idle", open - std::min(open, busy + unassigned)},
          {"busy", busy},
          {"unassigned", unassigned}};
}

}  // namespace

std::string StatusJson(const hydrapool::Scoreboard& board, const StatusFacts& facts) {
  const hydrapool::PoolCounts& counts = board.counts();
  const hydrapool::VitalSigns& signs = board.signs();
  const Totals totals(board);
  const Shares shares(board);
  const Json status{
      {"schema", 1},
      {"pid", facts.pid},
      {"parent", {{"pid", counts.parent.load()}, {"lives", counts.parents.value()}}},
      {"version", facts.version},
      {"uptime_s", sys::ToSeconds(facts.now - counts.started_at)},
      {"dispatch", facts.dispatch},
      {"balance", facts.balance},
      {"readiness", ReadinessName(JudgeReadiness(board, facts.now))},
      {"leases", Leases(counts, totals.busy)},
      {"connections_limit", signs.connections_limit.load()},
      {"cgi_limit", signs.processes_limit.load()},
      {"requests_in_execution", signs.executing.load()},
      {"oldest_request_s",
       signs.oldest_begun_at == 0 ? 0 : sys::ToSeconds(facts.now - signs.oldest_begun_at)},
      {"totals",
       {{"requests", totals.requests},
        {"rescued", Sum(counts.rescued)},
        {"rescued_in_flight", Sum(counts.rescued) - counts.rescued[PhaseIndex(Phase::kIdle)].value()},
        {"lost", Sum(counts.lost)},
        {"cut", counts.cut.value() + totals.cut},
        {"abandoned", counts.abandoned.value() + totals.abandoned},
        {"poison", counts.poison.value()},
        {"unavailable", counts.unavailable.value()},
        {"accepted", counts.accepted.value()},
        {"accept_errors", counts.accept_errors.value()},
        {"address_refused", counts.address_refused.value()},
        {"idle_closed", counts.idle_closed.value()},
        {"moved", counts.moved.value()},
        {"cgi_started", totals.started},
        {"exits", Sum(counts.exits)},
        {"log_dropped", counts.log_dropped.count.load()}}},
      {"cgi_processes", counts.processes.load()},
      {"workers_leaving", counts.leaving.load()},
      {"listen_queue", counts.listen_queue.load()},
      {"listen_queue_limit", counts.listen_queue_limit.load()},
      {"fairness",
       {{"connections", JainIndex(shares.connections)},
        {"requests", JainIndex(shares.requests)},
        {"busy", JainIndex(shares.busy)}}},
      {"durations_s",
       {{"reap", Durations(counts.reap_seconds)},
        {"respawn", Durations(counts.respawn_seconds)},
        {"recovery", Durations(counts.recovery_seconds)},
        {"dispatch", Durations(counts.dispatch_seconds)},
        {"request", Durations(totals.request)},
        {"cgi_start", Durations(totals.start)}}},
  };
  std::string text = status.dump();
  text.pop_back();
  return text + ",\"workers\":[" + Workers(board, facts.now) + "]}";
}

}  // namespace hydrapool::metrics
