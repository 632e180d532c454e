#include "metrics/pool_collector.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "metrics/duration_families.h"
#include "metrics/fairness.h"
#include "metrics/family.h"
#include "metrics/limit_family.h"
#include "metrics/process_stats.h"
#include "metrics/shares.h"
#include "pool/shared/readiness.h"
#include "pool/sys/clock.h"

namespace hydrapool::metrics {
namespace {

using hydrapool::Scoreboard;
using hydrapool::WorkerSlot;
using prometheus::MetricFamily;

constexpr std::array<std::string_view, hydrapool::kReplyClasses> kReplyCodes{"other", "1xx", "2xx",
                                                                             "3xx",   "4xx", "5xx"};

double Value(const hydrapool::Counter& counter) { return static_cast<double>(counter.value()); }
template <typename Number>
double Value(const std::atomic<Number>& number) {
  return static_cast<double>(number.load(std::memory_order_relaxed));
}

double SecondsSince(sys::Nanos then) {
  return then == 0 ? 0 : std::max(sys::ToSeconds(sys::Now() - then), 0.0);
}

double SlotSum(const Scoreboard& board, hydrapool::Counter WorkerSlot::*counter) {
  double sum = 0;
  for (std::size_t i = 0; i < board.workers(); ++i) sum += Value(board.slot(i).*counter);
  return sum;
}

/// A family with one number from Source (a slot, or the whole scoreboard).
template <typename Source>
struct Reading {
  MetricFamily (*make)(std::string name, std::string help);
  const char* name;
  const char* help;
  double (*read)(const Source& source);
};

constexpr std::array kSlotReadings{
    Reading<WorkerSlot>{CounterFamily, "hydrapool_worker_connections_leased_total",
                        "Connections lent to the slot's workers, each time they were lent.",
                        [](const WorkerSlot& slot) { return Value(slot.connections_leased); }},
    Reading<WorkerSlot>{CounterFamily, "hydrapool_worker_busy_seconds_total",
                        "Time the slot's workers had something to do.",
                        [](const WorkerSlot& slot) { return Value(slot.busy_nanos) / 1e9; }},
    Reading<WorkerSlot>{CounterFamily, "hydrapool_worker_cpu_seconds_total",
                        "CPU time of the slot's workers, user and system.",
                        [](const WorkerSlot& slot) { return Value(slot.cpu_nanos) / 1e9; }},
    Reading<WorkerSlot>{CounterFamily, "hydrapool_worker_received_bytes_total",
                        "Bytes of requests that the slot's workers took.",
                        [](const WorkerSlot& slot) { return Value(slot.received_bytes); }},
    Reading<WorkerSlot>{CounterFamily, "hydrapool_worker_sent_bytes_total",
                        "Bytes of answers that the slot's workers handed to the kernel.",
                        [](const WorkerSlot& slot) { return Value(slot.sent_bytes); }},
    Reading<WorkerSlot>{GaugeFamily, "hydrapool_worker_leases", "Connections the slot holds now.",
                        [](const WorkerSlot& slot) { return Value(slot.leases); }},
    Reading<WorkerSlot>{GaugeFamily, "hydrapool_worker_incarnation",
                        "Which life the slot is in: workers it has had so far.",
                        [](const WorkerSlot& slot) { return Value(slot.incarnation); }},
    Reading<WorkerSlot>{GaugeFamily, "hydrapool_worker_resident_memory_bytes",
                        "Resident memory of the slot's worker; 0 while it is dead.",
                        [](const WorkerSlot& slot) { return static_cast<double>(ResidentBytes(slot.pid)); }},
};

constexpr std::array kPoolReadings{
    Reading<Scoreboard>{
        CounterFamily, "hydrapool_cut_total", "Answers that broke off after some bytes had left.",
        [](const Scoreboard& board) { return Value(board.counts().cut) + SlotSum(board, &WorkerSlot::cut); }},
    Reading<Scoreboard>{CounterFamily, "hydrapool_abandoned_total",
                        "Requests answered with 502 as they could neither be finished nor run again.",
                        [](const Scoreboard& board) {
                          return Value(board.counts().abandoned) + SlotSum(board, &WorkerSlot::abandoned);
                        }},
    Reading<Scoreboard>{CounterFamily, "hydrapool_poison_total",
                        "Requests stopped because they killed workers.",
                        [](const Scoreboard& board) { return Value(board.counts().poison); }},
    Reading<Scoreboard>{CounterFamily, "hydrapool_unavailable_total",
                        "Requests the parent answered with 503 as no worker came in time.",
                        [](const Scoreboard& board) { return Value(board.counts().unavailable); }},
    Reading<Scoreboard>{CounterFamily, "hydrapool_parents_total",
                        "Parents that have served, the present one too; more than 1 where one was replaced.",
                        [](const Scoreboard& board) { return Value(board.counts().parents); }},
    Reading<Scoreboard>{CounterFamily, "hydrapool_program_refusals_total",
                        "Reloads and upgrades that were refused: all stayed as it was.",
                        [](const Scoreboard& board) { return Value(board.signs().refused); }},
    Reading<Scoreboard>{CounterFamily, "hydrapool_accepted_total", "Connections accepted.",
                        [](const Scoreboard& board) { return Value(board.counts().accepted); }},
    Reading<Scoreboard>{CounterFamily, "hydrapool_accept_errors_total", "Failures to accept a connection.",
                        [](const Scoreboard& board) { return Value(board.counts().accept_errors); }},
    Reading<Scoreboard>{CounterFamily, "hydrapool_address_refused_total",
                        "Connections reset because their address had as many as it may.",
                        [](const Scoreboard& board) { return Value(board.counts().address_refused); }},
    Reading<Scoreboard>{CounterFamily, "hydrapool_idle_closed_total",
                        "Idle connections closed to make room for others.",
                        [](const Scoreboard& board) { return Value(board.counts().idle_closed); }},
    Reading<Scoreboard>{
        CounterFamily, "hydrapool_leases_moved_total",
        "Connections moved to another worker to even out the load, idle or before a request is executed.",
        [](const Scoreboard& board) { return Value(board.counts().moved); }},
    Reading<Scoreboard>{
        CounterFamily, "hydrapool_log_dropped_total",
        "Log lines that their reader did not take at once, or for which their disk had no room.",
        [](const Scoreboard& board) { return Value(board.counts().log_dropped.count); }},
    Reading<Scoreboard>{
        CounterFamily, "hydrapool_access_log_dropped_total",
        "Lines of the access log that its reader did not take at once, or for which its disk had no room.",
        [](const Scoreboard& board) { return SlotSum(board, &WorkerSlot::access_lines_dropped); }},
    Reading<Scoreboard>{GaugeFamily, "hydrapool_cgi_queued",
                        "Requests that wait for a place for their CGI program.",
                        [](const Scoreboard& board) { return Value(board.counts().processes_waited_for); }},
    Reading<Scoreboard>{CounterFamily, "hydrapool_cgi_queue_timeouts_total",
                        "Requests that got no place for their CGI program in time.",
                        [](const Scoreboard& board) { return SlotSum(board, &WorkerSlot::gave_up_waiting); }},
    Reading<Scoreboard>{GaugeFamily, "hydrapool_leases_open", "Connections open now.",
                        [](const Scoreboard& board) { return Value(board.counts().open_leases); }},
    Reading<Scoreboard>{GaugeFamily, "hydrapool_leases_unassigned",
                        "Open connections that no worker could be given yet.",
                        [](const Scoreboard& board) { return Value(board.counts().unassigned); }},
    Reading<Scoreboard>{GaugeFamily, "hydrapool_leases_unassigned_age_seconds",
                        "How long the longest of these has waited for a worker; 0 where none does.",
                        [](const Scoreboard& board) { return SecondsSince(board.signs().waiting_since); }},
    Reading<Scoreboard>{GaugeFamily, "hydrapool_connections_limit", "Connections that may be open at once.",
                        [](const Scoreboard& board) { return Value(board.signs().connections_limit); }},
    Reading<Scoreboard>{GaugeFamily, "hydrapool_full_seconds",
                        "How long newcomers have waited as all places are taken; 0 where there is room.",
                        [](const Scoreboard& board) { return SecondsSince(board.signs().full_since); }},
    Reading<Scoreboard>{GaugeFamily, "hydrapool_requests_in_execution",
                        "Requests that are being answered by a CGI program or from a file.",
                        [](const Scoreboard& board) { return Value(board.signs().executing); }},
    Reading<Scoreboard>{GaugeFamily, "hydrapool_oldest_request_age_seconds",
                        "How long the oldest of these has been in execution; 0 where none is.",
                        [](const Scoreboard& board) { return SecondsSince(board.signs().oldest_begun_at); }},
    Reading<Scoreboard>{GaugeFamily, "hydrapool_workers", "Slots: workers that the pool is to have.",
                        [](const Scoreboard& board) { return static_cast<double>(board.workers()); }},
    Reading<Scoreboard>{GaugeFamily, "hydrapool_ready",
                        "1 where /readyz says that the pool is ready, else 0.",
                        [](const Scoreboard& board) {
                          const auto readiness = hydrapool::JudgeReadiness(board, sys::Now());
                          return readiness == hydrapool::Readiness::kReady ? 1.0 : 0.0;
                        }},
    Reading<Scoreboard>{GaugeFamily, "hydrapool_draining", "1 once the pool was told to end, else 0.",
                        [](const Scoreboard& board) { return board.signs().draining ? 1.0 : 0.0; }},
    Reading<Scoreboard>{GaugeFamily, "hydrapool_config_loaded_timestamp_seconds",
                        "When the options in force were read, since unix epoch in seconds.",
                        [](const Scoreboard& board) { return Value(board.signs().configured_at) / 1e9; }},
    Reading<Scoreboard>{GaugeFamily, "hydrapool_cgi_limit",
                        "CGI processes that may run at once; 0 where there is no CGI directory.",
                        [](const Scoreboard& board) { return Value(board.signs().processes_limit); }},
    Reading<Scoreboard>{GaugeFamily, "hydrapool_cgi_processes", "CGI processes alive.",
                        [](const Scoreboard& board) { return Value(board.counts().processes); }},
    Reading<Scoreboard>{GaugeFamily, "hydrapool_request_bodies",
                        "Request bodies that are being made whole before their programs start.",
                        [](const Scoreboard& board) { return Value(board.counts().bodies); }},
    Reading<Scoreboard>{
        GaugeFamily, "hydrapool_request_bodies_in_memory",
        "Bodies made whole that lie in memory, a megabyte at most each; the others are files.",
        [](const Scoreboard& board) { return Value(board.counts().bodies_in_memory); }},
    Reading<Scoreboard>{GaugeFamily, "hydrapool_workers_leaving",
                        "Workers that have been replaced and still finish what they have in hand.",
                        [](const Scoreboard& board) { return Value(board.counts().leaving); }},
    Reading<Scoreboard>{GaugeFamily, "hydrapool_listen_queue",
                        "Connections that the kernel has taken and that are not accepted yet.",
                        [](const Scoreboard& board) { return Value(board.counts().listen_queue); }},
    Reading<Scoreboard>{GaugeFamily, "hydrapool_listen_queue_limit",
                        "How many the kernel lets wait to be accepted.",
                        [](const Scoreboard& board) { return Value(board.counts().listen_queue_limit); }},
    Reading<Scoreboard>{
        CounterFamily, "hydrapool_cgi_started_total", "CGI processes started.",
        [](const Scoreboard& board) { return SlotSum(board, &WorkerSlot::executions_started); }},
};

std::string SlotName(std::size_t slot) { return fmt::format_int(slot).str(); }

void AppendWorkerFamilies(const Scoreboard& board, std::vector<MetricFamily>& families) {
  for (const auto& reading : kSlotReadings) {
    MetricFamily& family = families.emplace_back(reading.make(reading.name, reading.help));
    for (std::size_t i = 0; i < board.workers(); ++i) {
      AddSample(family, reading.read(board.slot(i)), {{"slot", SlotName(i)}});
    }
  }
  const sys::Nanos now = sys::Now();
  MetricFamily& heartbeats = families.emplace_back(
      GaugeFamily("hydrapool_worker_heartbeat_age_seconds",
                  "How long the slot's worker has not come round: about 1 where it is idle; 0 while dead."));
  for (std::size_t i = 0; i < board.workers(); ++i) {
    AddSample(heartbeats, sys::ToSeconds(board.life_of(i).HeartbeatAge(now)), {{"slot", SlotName(i)}});
  }
  MetricFamily& requests = families.emplace_back(CounterFamily(
      "hydrapool_worker_requests_total", "Requests the slot's workers answered, by status class."));
  for (std::size_t i = 0; i < board.workers(); ++i) {
    for (std::size_t k = 0; k < kReplyCodes.size(); ++k) {
      AddSample(requests, Value(board.slot(i).replies[k]),
                {{"slot", SlotName(i)}, {"code", std::string(kReplyCodes[k])}});
    }
  }
  MetricFamily& states = families.emplace_back(
      GaugeFamily("hydrapool_worker_state", "1 for the state the slot is in, 0 for the others."));
  for (std::size_t i = 0; i < board.workers(); ++i) {
    const hydrapool::WorkerState present = board.life_of(i).state;
    for (const hydrapool::WorkerState state : hydrapool::kWorkerStates) {
      AddSample(states, state == present ? 1 : 0,
                {{"slot", SlotName(i)}, {"state", std::string(hydrapool::WorkerStateName(state))}});
    }
  }
}

void AppendDispatchFamilies(const Scoreboard& board, std::vector<MetricFamily>& families) {
  const Shares shares(board);
  MetricFamily fairness = GaugeFamily(
      "hydrapool_dispatch_fairness",
      "Jain's index of how evenly the slots shared the work so far: 1 is even, 1/n is one did all.");
  MetricFamily max_over_mean = GaugeFamily("hydrapool_dispatch_max_over_mean",
                                           "What the busiest slot did so far over what the mean slot did.");
  const auto add = [&](const char* of, std::span<const double> parts) {
    AddSample(fairness, JainIndex(parts), {{"of", of}});
    AddSample(max_over_mean, MaxOverMean(parts), {{"of", of}});
  };
  add("connections", shares.connections);
  add("requests", shares.requests);
  add("busy", shares.busy);
  families.push_back(std::move(fairness));
  families.push_back(std::move(max_over_mean));
}

template <std::size_t N>
MetricFamily LabelledCounters(const char* name, const char* help, const char* label,
                              const std::array<std::string_view, N>& names,
                              const std::array<hydrapool::Counter, N>& counters) {
  MetricFamily family = CounterFamily(name, help);
  for (std::size_t i = 0; i < N; ++i) AddSample(family, Value(counters[i]), {{label, std::string(names[i])}});
  return family;
}

void AppendPoolFamilies(const Scoreboard& board, std::vector<MetricFamily>& families) {
  for (const auto& reading : kPoolReadings) {
    AddSample(families.emplace_back(reading.make(reading.name, reading.help)), reading.read(board));
  }
  const hydrapool::PoolCounts& counts = board.counts();
  families.push_back(LabelledCounters("hydrapool_worker_exits_total", "Workers that ended, by cause.",
                                      "cause", hydrapool::kExitCauses, counts.exits));
  families.push_back(LabelledCounters("hydrapool_program_starts_total",
                                      "Programs that have served the pool, one after another, by cause.",
                                      "cause", hydrapool::kProgramStarts, board.signs().starts));
  families.push_back(LabelledCounters("hydrapool_cgi_ended_total", "CGI processes that ended, by cause.",
                                      "cause", hydrapool::kProgramEnds, board.signs().program_ends));
  families.push_back(
      LabelledCounters("hydrapool_rescued_total",
                       "Connections taken from a dead worker and carried on, by phase at its death.", "phase",
                       hydrapool::kPhaseNames, counts.rescued));
  families.push_back(LabelledCounters("hydrapool_lost_total",
                                      "Requests that got no answer and could have had one, by phase.",
                                      "phase", hydrapool::kPhaseNames, counts.lost));
}

}  // namespace

std::vector<MetricFamily> PoolCollector::Collect() const {
  std::vector<MetricFamily> families;
  AppendWorkerFamilies(board_, families);
  AppendDispatchFamilies(board_, families);
  AppendPoolFamilies(board_, families);
  AppendDurationFamilies(board_, families);
  families.push_back(LimitFamily(board_));
  return families;
}

}  // namespace hydrapool::metrics
