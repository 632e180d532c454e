#include "metrics/status_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "metrics/duration_counts.h"
#include "metrics/process_stats.h"
#include "metrics/status_page_frame.h"
#include "metrics/text.h"
#include "pool/shared/readiness.h"

namespace hydrapool::metrics {
namespace {

using hydrapool::Scoreboard;
using hydrapool::WorkerLife;
using hydrapool::WorkerSlot;
using hydrapool::WorkerState;

std::string Duration(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.0f} µs", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.1f} ms", seconds * 1e3);
  if (seconds < 120) return fmt::format("{:.1f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{:.0f} h", seconds / 3600);
  return fmt::format("{:.0f} d", seconds / 86'400);
}

std::string Quantile(const DurationCounts& durations, double q) {
  const std::optional<double> seconds = durations.Quantile(q);
  return seconds ? Duration(*seconds) : "–";
}

std::string Since(sys::Nanos then, sys::Nanos now) {
  return then == 0 ? "–" : Duration(std::max(sys::ToSeconds(now - then), 0.0));
}

std::uint64_t Sum(std::span<const hydrapool::Counter> counters) {
  std::uint64_t sum = 0;
  for (const hydrapool::Counter& counter : counters) sum += counter.value();
  return sum;
}

/// What the slots add up to.
struct Totals {
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
  std::uint64_t cut = 0;
  std::uint64_t given_up = 0;
  DurationCounts seconds;

  explicit Totals(const Scoreboard& board) {
    const hydrapool::PoolCounts& counts = board.counts();
    seconds.AddRequests(board);
    cut = counts.cut.value();
    given_up = counts.abandoned.value() + counts.poison.value() + counts.unavailable.value();
    for (std::size_t i = 0; i < board.workers(); ++i) {
      const WorkerSlot& slot = board.slot(i);
      requests += slot.requests();
      errors += slot.replies[5].value();
      cut += slot.cut.value();
      given_up += slot.abandoned.value();
    }
  }
};

struct State {
  std::string_view name;
  std::string_view style;
};

State StateOf(const WorkerLife& life, sys::Nanos now) {
  if (life.HeartbeatAge(now) >= kFrozenShown) return {"frozen", "bad"};
  const WorkerState state = life.state;
  const std::string_view name = hydrapool::WorkerStateName(state);
  return {name, state == WorkerState::kReady ? "good" : state == WorkerState::kDead ? "bad" : "warn"};
}

std::size_t Frozen(const Scoreboard& board, sys::Nanos now) {
  std::size_t frozen = 0;
  for (std::size_t i = 0; i < board.workers(); ++i)
    frozen += board.life_of(i).HeartbeatAge(now) >= kFrozenShown ? 1 : 0;
  return frozen;
}

void PutFact(Text& text, std::string_view name, std::string_view value, bool bad = false) {
  Put(text, R"(<div><dt>{}</dt><dd>{}{}{}</dd></div>)", name, bad ? R"(<span class="bad">)" : "", value,
      bad ? "</span>" : "");
}

// What a script can make a rate of.
std::string Count(std::string_view name, std::uint64_t value) {
  return fmt::format(R"(<span data-n="{0}" data-v="{1}">{1}</span>)", name, value);
}

void PutFacts(Text& text, const Scoreboard& board, sys::Nanos now) {
  const hydrapool::PoolCounts& counts = board.counts();
  const hydrapool::VitalSigns& signs = board.signs();
  const Totals totals(board);
  const std::uint64_t lost = Sum(counts.lost);
  Put(text, R"(<h2>What clients feel</h2><dl class="facts">)");
  PutFact(text, "Requests", Count("requests", totals.requests));
  PutFact(text, "Requests a second", R"(<span data-rate="requests">–</span>)");
  PutFact(text, "Answers with 5xx", Count("errors", totals.errors));
  PutFact(text, "5xx a second", R"(<span data-rate="errors">–</span>)");
  PutFact(text, "Latency, p50 and p99",
          fmt::format("{}, {}", Quantile(totals.seconds, 0.5), Quantile(totals.seconds, 0.99)));
  PutFact(text, "Lost", std::to_string(lost), lost > 0);
  PutFact(text, "Cut", std::to_string(totals.cut), totals.cut > 0);
  PutFact(text, "Given up (502, 503)", std::to_string(totals.given_up), totals.given_up > 0);
  PutFact(text, "In execution, oldest",
          fmt::format("{}, {}", signs.executing.load(), Since(signs.oldest_begun_at, now)));
  PutFact(text, "Wait for a worker",
          fmt::format("{}, {}", counts.unassigned.load(), Since(signs.waiting_since, now)),
          counts.unassigned > 0);
  PutFact(text, "Connections of the limit",
          fmt::format("{} of {}", counts.open_leases.load(), signs.connections_limit.load()),
          signs.full_since != 0);
  PutFact(text, "Accept queue",
          fmt::format("{} of {}", counts.listen_queue.load(), counts.listen_queue_limit.load()),
          counts.listen_queue > 0);
  PutFact(text, "CGI programs",
          fmt::format("{} of {}", counts.processes.load(), signs.processes_limit.load()));
  Put(text, "</dl>");
}

void PutWorkers(Text& text, const Scoreboard& board, sys::Nanos now) {
  Put(text,
      R"(<h2 id="w">Workers</h2><div class="scroll" role="region" aria-labelledby="w" tabindex="0"><table id="workers">)"
      R"(<thead><tr><th scope="col">slot</th><th scope="col">pid</th><th scope="col" class="text">state</th>)"
      R"(<th scope="col">came round</th><th scope="col">busy with</th><th scope="col">connections</th>)"
      R"(<th scope="col">requests</th><th scope="col">a second</th><th scope="col">share</th>)"
      R"(<th scope="col">CPU</th><th scope="col">memory</th><th scope="col">lives</th></tr></thead><tbody>)");
  const double all = static_cast<double>(std::max<std::uint64_t>(Totals(board).requests, 1));
  for (std::size_t i = 0; i < board.workers(); ++i) {
    const WorkerSlot& slot = board.slot(i);
    const WorkerLife& life = board.life_of(i);
    const State state = StateOf(life, now);
    const sys::Nanos age = life.HeartbeatAge(now);
    Put(text,
        R"(<tr class="{2}"><th scope="row">{0}</th><td>{1}</td><td class="text"><span class="{3}">{2}</span></td>)",
        i, slot.pid.load(), state.name, state.style);
    Put(text, "<td>{}</td><td>{}</td><td>{}</td>", age == 0 ? "–" : Duration(sys::ToSeconds(age)) + " ago",
        life.busy.load(), slot.leases.load());
    Put(text, R"(<td>{}</td><td data-rate="r{}">–</td><td>{:.0f} %</td>)",
        Count(fmt::format("r{}", i), slot.requests()), i, 100 * static_cast<double>(slot.requests()) / all);
    Put(text, R"(<td data-rate="c{0}" data-unit="%" data-n="c{0}" data-v="{1:.6f}">{1:.1f} s</td>)", i,
        static_cast<double>(slot.cpu_nanos.value()) / 1e9);
    Put(text, "<td>{:.1f} MB</td><td>{}</td></tr>", static_cast<double>(ResidentBytes(slot.pid)) / 1e6,
        slot.incarnation.load());
  }
  Put(text, "</tbody></table></div>");
}

void PutDeaths(Text& text, const hydrapool::DeathJournal& deaths, sys::Nanos now) {
  Put(text, R"(<h2 id="d">The last deaths</h2>)");
  const auto kept = deaths.kept();
  if (kept.empty()) return Put(text, "<p>No worker has ended.</p>");
  Put(text,
      R"(<div class="scroll" role="region" aria-labelledby="d" tabindex="0"><table id="deaths"><thead><tr>)"
      R"(<th scope="col">ago</th><th scope="col">slot</th><th scope="col">pid</th>)"
      R"(<th scope="col" class="text">cause</th><th scope="col">lived</th><th scope="col">carried on</th>)"
      R"(<th scope="col">lost, cut or 502</th></tr></thead><tbody>)");
  for (const hydrapool::WorkerDeath& death : kept) {
    const auto cause =
        hydrapool::kExitCauses[std::min<std::size_t>(death.cause, hydrapool::kExitCauses.size() - 1)];
    Put(text, R"(<tr><td>{}</td><td>{}</td><td>{}</td><td class="text">{}</td><td>{}</td><td>{}</td>)",
        Since(death.at, now), death.slot, death.pid, cause, Duration(sys::ToSeconds(death.lived)),
        death.carried);
    Put(text, "<td>{}</td></tr>",
        death.harmed > 0 ? fmt::format(R"(<span class="bad">{}</span>)", death.harmed) : "0");
  }
  Put(text, "</tbody></table></div>");
}

void PutSpeed(Text& text, const hydrapool::PoolCounts& counts) {
  struct Row {
    std::string_view name;
    const hydrapool::DurationHistogram& durations;
  };
  Put(text,
      R"(<h2 id="s">How fast it recovers</h2><div class="scroll" role="region" aria-labelledby="s" tabindex="0">)"
      R"(<table><thead><tr><th scope="col" class="text">from, to</th><th scope="col">times</th>)"
      R"(<th scope="col">p50</th><th scope="col">p99</th></tr></thead><tbody>)");
  for (const Row& row :
       {Row{"death, reaped", counts.reap_seconds}, Row{"reaped, replacement ready", counts.respawn_seconds},
        Row{"death, the slot's next answer", counts.recovery_seconds},
        Row{"accepted, handed to a worker", counts.dispatch_seconds}}) {
    DurationCounts durations;
    durations.Add(row.durations);
    Put(text, R"(<tr><th scope="row" class="text">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>)", row.name,
        durations.total(), Quantile(durations, 0.5), Quantile(durations, 0.99));
  }
  Put(text, "</tbody></table></div>");
}

}  // namespace

std::string StatusPage(const Scoreboard& board, const hydrapool::DeathJournal& deaths,
                       const StatusFacts& facts) {
  const hydrapool::Readiness readiness = hydrapool::JudgeReadiness(board, facts.now);
  const bool ready = readiness == hydrapool::Readiness::kReady;
  const std::size_t frozen = Frozen(board, facts.now);
  Text text;
  Put(text,
      R"(<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>hydrapool</title>)"
      R"(<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">)"
      R"(<noscript><meta http-equiv="refresh" content="5"></noscript><style>{}</style></head><body><header>)",
      kStatusPageStyle);
  Put(text,
      R"(<h1>hydrapool {}</h1><span id="state" role="status"><span class="{}">{}{}</span>{}</span>)"
      R"(<button id="pause" type="button" aria-pressed="false" hidden>Pause</button></header>)",
      facts.version, ready ? "good" : "bad", ready ? "" : "not ready: ", hydrapool::ReadinessName(readiness),
      frozen > 0
          ? fmt::format(R"( <span class="bad">{} of {} workers frozen</span>)", frozen, board.workers())
          : "");
  Put(text,
      R"(<p id="lost" class="bad" role="alert"></p><main><p class="dim">process {}, up {}; parent {}, )",
      facts.pid, Since(board.counts().started_at, facts.now), board.counts().parent.load());
  Put(text, "number {}; balance: {}</p>", board.counts().parents.value(), facts.balance);
  PutFacts(text, board, facts.now);
  PutWorkers(text, board, facts.now);
  PutDeaths(text, deaths, facts.now);
  PutSpeed(text, board.counts());
  Put(text,
      R"(</main><p class="dim">More: <a href="/metrics">/metrics</a>, <a href="/status.json">/status.json</a>, )"
      R"(<a href="/fates.json">/fates.json</a>, <a href="/readyz">/readyz</a></p><script>{}</script></body></html>)",
      kStatusPageScript);
  return fmt::to_string(text);
}

}  // namespace hydrapool::metrics
