#include "metrics/metrics_page.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <set>
#include <sstream>
#include <string>

#include "metrics/text_page.h"
#include "pool/sys/file.h"

namespace hydrapool::metrics {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

TextPage Render(const hydrapool::Scoreboard& board) {
  return ParseTextPage(RenderMetrics(board, {.version = "1.2.3"}));
}

void ExpectValues(const TextPage& page, const std::map<std::string, double>& expected) {
  for (const auto& [series, value] : expected) EXPECT_EQ(page.Value(series), value) << series;
}

/// Which families it has: EveryFamilyIsInTheReadmeAndTheOtherWayRound.
TEST(MetricsPageTest, IsWellFormed) {
  const hydrapool::Scoreboard board(3);
  const TextPage page = Render(board);
  EXPECT_THAT(page.faults, IsEmpty());
  EXPECT_EQ(page.Value("hydrapool_build_info{version=\"1.2.3\"}"), 1);
}

TEST(MetricsPageTest, EverySlotPhaseAndCauseIsThereFromTheStartAtZero) {
  const hydrapool::Scoreboard board(2);
  const TextPage page = Render(board);
  for (int slot = 0; slot < 2; ++slot) {
    for (const auto code : {"1xx", "2xx", "3xx", "4xx", "5xx", "other"}) {
      EXPECT_EQ(
          page.Value(fmt::format("hydrapool_worker_requests_total{{slot=\"{}\",code=\"{}\"}}", slot, code)),
          0);
    }
    for (const auto family :
         {"connections_leased_total", "busy_seconds_total", "cpu_seconds_total", "received_bytes_total",
          "sent_bytes_total", "heartbeat_age_seconds", "leases", "incarnation", "resident_memory_bytes"}) {
      EXPECT_EQ(page.Value(fmt::format("hydrapool_worker_{}{{slot=\"{}\"}}", family, slot)), 0);
    }
    for (const auto state : {"dead", "starting", "ready", "draining"}) {
      EXPECT_EQ(page.Value(fmt::format("hydrapool_worker_state{{slot=\"{}\",state=\"{}\"}}", slot, state)),
                state == std::string_view("dead") ? 1 : 0);
    }
  }
  for (const auto phase : hydrapool::kPhaseNames) {
    EXPECT_EQ(page.Value(fmt::format("hydrapool_rescued_total{{phase=\"{}\"}}", phase)), 0);
    EXPECT_EQ(page.Value(fmt::format("hydrapool_lost_total{{phase=\"{}\"}}", phase)), 0);
  }
  for (const auto cause : hydrapool::kProgramEnds) {
    EXPECT_EQ(page.Value(fmt::format("hydrapool_cgi_ended_total{{cause=\"{}\"}}", cause)), 0);
  }
  for (const auto cause : hydrapool::kProgramStarts) {
    EXPECT_EQ(page.Value(fmt::format("hydrapool_program_starts_total{{cause=\"{}\"}}", cause)), 0);
  }
  for (const auto cause : hydrapool::kExitCauses) {
    EXPECT_EQ(page.Value(fmt::format("hydrapool_worker_exits_total{{cause=\"{}\"}}", cause)), 0);
  }
  for (const auto of : {"connections", "requests", "busy"}) {
    EXPECT_EQ(page.Value(fmt::format("hydrapool_dispatch_fairness{{of=\"{}\"}}", of)), 1);
    EXPECT_EQ(page.Value(fmt::format("hydrapool_dispatch_max_over_mean{{of=\"{}\"}}", of)), 1);
  }
}

TEST(MetricsPageTest, ShowsWhatTheSlotsSay) {
  const hydrapool::Scoreboard board(2);
  hydrapool::WorkerSlot& slot = board.slot(1);
  slot.pid = ::getpid();
  slot.incarnation = 7;
  board.life_of(1).state = hydrapool::WorkerState::kReady;
  slot.leases = 12;
  slot.connections_leased.Add(40);
  slot.busy_nanos.Add(2'500'000'000);
  slot.replies[2].Add(1'234'567'890'123);
  slot.replies[0].Add(3);
  const TextPage page = Render(board);
  ExpectValues(page, {{R"(hydrapool_worker_requests_total{slot="1",code="2xx"})", 1'234'567'890'123},
                      {R"(hydrapool_worker_requests_total{slot="1",code="other"})", 3},
                      {R"(hydrapool_worker_connections_leased_total{slot="1"})", 40},
                      {R"(hydrapool_worker_busy_seconds_total{slot="1"})", 2.5},
                      {R"(hydrapool_worker_leases{slot="1"})", 12},
                      {R"(hydrapool_worker_incarnation{slot="1"})", 7},
                      {R"(hydrapool_worker_state{slot="1",state="ready"})", 1},
                      {R"(hydrapool_worker_state{slot="1",state="dead"})", 0}});
  EXPECT_GT(page.Value("hydrapool_worker_resident_memory_bytes{slot=\"1\"}"), 0);
  ExpectValues(page, {{R"(hydrapool_worker_resident_memory_bytes{slot="0"})", 0},
                      {R"(hydrapool_dispatch_fairness{of="requests"})", 0.5},
                      {R"(hydrapool_dispatch_max_over_mean{of="busy"})", 2}});
}

TEST(MetricsPageTest, ShowsWhatThePoolSays) {
  const hydrapool::Scoreboard board(1);
  hydrapool::PoolCounts& counts = board.counts();
  counts.exits[hydrapool::ExitCause(9, 0)].Add(5);
  counts.rescued[hydrapool::PhaseIndex(hydrapool::Phase::kExecuting)].Add(2);
  counts.lost[hydrapool::PhaseIndex(hydrapool::Phase::kReading)].Add(1);
  counts.unavailable.Add(4);
  counts.open_leases = 100;
  counts.leaving = 3;
  counts.listen_queue = 6;
  counts.listen_queue_limit = 4096;
  board.slot(0).executions_started.Add(9);
  counts.cut.Add(2);
  board.slot(0).cut.Add(1);
  const TextPage page = Render(board);
  ExpectValues(page, {{R"(hydrapool_worker_exits_total{cause="SIGKILL"})", 5},
                      {R"(hydrapool_rescued_total{phase="executing"})", 2},
                      {R"(hydrapool_lost_total{phase="reading"})", 1},
                      {R"(hydrapool_unavailable_total)", 4},
                      {R"(hydrapool_leases_open)", 100},
                      {R"(hydrapool_workers_leaving)", 3},
                      {R"(hydrapool_listen_queue)", 6},
                      {R"(hydrapool_listen_queue_limit)", 4096},
                      {R"(hydrapool_cgi_started_total)", 9},
                      {R"(hydrapool_cut_total)", 3}});
}

TEST(MetricsPageTest, ShowsLimitsAndAges) {
  const hydrapool::Scoreboard board(2);
  hydrapool::VitalSigns& signs = board.signs();
  const sys::Nanos ago = sys::Now() - 100 * sys::kSecond;
  signs.connections_limit = 150;
  signs.processes_limit = 7;
  signs.executing = 3;
  signs.configured_at = 1'700'000'000 * sys::kSecond;
  signs.program_ends[hydrapool::ProgramEnd({.signal = 11}, hydrapool::EndedBy::kItself)].Add(2);
  board.life_of(1).state = hydrapool::WorkerState::kReady;
  board.life_of(1).ready_at = board.life_of(1).beat = ago;
  for (auto* since : {&signs.full_since, &signs.waiting_since, &signs.oldest_begun_at}) *since = ago;
  const TextPage page = Render(board);
  ExpectValues(page, {{"hydrapool_workers", 2},
                      {"hydrapool_connections_limit", 150},
                      {"hydrapool_cgi_limit", 7},
                      {"hydrapool_requests_in_execution", 3},
                      {"hydrapool_config_loaded_timestamp_seconds", 1.7e9},
                      {"hydrapool_ready", 0},
                      {R"(hydrapool_cgi_ended_total{cause="signal"})", 2},
                      {R"(hydrapool_worker_heartbeat_age_seconds{slot="0"})", 0}});
  for (const auto series :
       {R"(hydrapool_worker_heartbeat_age_seconds{slot="1"})", "hydrapool_full_seconds",
        "hydrapool_leases_unassigned_age_seconds", "hydrapool_oldest_request_age_seconds"}) {
    EXPECT_GE(page.Value(series), 100) << series;
    EXPECT_LT(page.Value(series), 200) << series;
  }
}

TEST(MetricsPageTest, HistogramsAreCumulativeAndSummedOverTheSlots) {
  const hydrapool::Scoreboard board(2);
  board.slot(0).request_seconds.Observe(0, 2, 8 * sys::kMicrosecond);
  board.slot(1).request_seconds.Observe(0, 2, 20 * sys::kMicrosecond);
  board.slot(1).request_seconds.Observe(0, 2, 20 * sys::kSecond);
  const TextPage page = Render(board);
  ExpectValues(page, {{R"(hydrapool_request_seconds_bucket{mount="none",code="2xx",le="1e-05"})", 1},
                      {R"(hydrapool_request_seconds_bucket{mount="none",code="2xx",le="2.5e-05"})", 2},
                      {R"(hydrapool_request_seconds_bucket{mount="none",code="2xx",le="10"})", 2},
                      {R"(hydrapool_request_seconds_bucket{mount="none",code="2xx",le="+Inf"})", 3},
                      {R"(hydrapool_request_seconds_count{mount="none",code="2xx"})", 3},
                      {R"(hydrapool_request_seconds_count{mount="none",code="5xx"})", 0}});
  EXPECT_NEAR(page.Value(R"(hydrapool_request_seconds_sum{mount="none",code="2xx"})"), 20.000028, 1e-9);
  EXPECT_EQ(page.Value("hydrapool_reap_seconds_bucket{le=\"+Inf\"}"), 0);
}

TEST(MetricsPageTest, RequestsAndProgramsAreToldApartByMount) {
  const hydrapool::Scoreboard board(1);
  const std::uint8_t cgi = board.parts().Enter("/cgi-bin/");
  const std::uint8_t files = board.parts().Enter("/");
  board.slot(0).request_seconds.Observe(cgi, 5, sys::kSecond);
  board.slot(0).request_seconds.Observe(files, 2, sys::kMillisecond);
  board.slot(0).request_seconds.Observe(files, 2, sys::kMillisecond);
  board.signs().program_seconds[cgi].Observe(3 * sys::kSecond);
  const TextPage page = Render(board);
  ExpectValues(page, {{R"(hydrapool_request_seconds_count{mount="/cgi-bin/",code="5xx"})", 1},
                      {R"(hydrapool_request_seconds_count{mount="/",code="2xx"})", 2},
                      {R"(hydrapool_request_seconds_count{mount="/",code="5xx"})", 0},
                      {R"(hydrapool_request_seconds_count{mount="none",code="2xx"})", 0},
                      {R"(hydrapool_cgi_seconds_bucket{mount="/cgi-bin/",le="2.5"})", 0},
                      {R"(hydrapool_cgi_seconds_bucket{mount="/cgi-bin/",le="5"})", 1},
                      {R"(hydrapool_cgi_seconds_count{mount="/"})", 0}});
}

TEST(MetricsPageTest, SeriesNeitherEndNorFallWhenAWorkerDies) {
  const hydrapool::Scoreboard board(2);
  hydrapool::WorkerSlot& slot = board.slot(0);
  slot.pid = ::getpid();
  board.life_of(0).state = hydrapool::WorkerState::kReady;
  slot.incarnation = 1;
  slot.replies[2].Add(10);
  slot.request_seconds.Observe(0, 2, sys::kMillisecond);
  const TextPage before = Render(board);

  slot.pid = 0;
  board.life_of(0).state = hydrapool::WorkerState::kDead;
  slot.leases = 0;
  board.counts().exits[hydrapool::ExitCause(9, 0)].Add();
  board.counts().reap_seconds.Observe(sys::kMillisecond);
  const TextPage dead = Render(board);

  slot.pid = ::getpid();
  board.life_of(0).state = hydrapool::WorkerState::kReady;
  slot.incarnation = 2;
  slot.replies[2].Add(1);
  const TextPage after = Render(board);

  EXPECT_EQ(before.samples.size(), dead.samples.size());
  EXPECT_EQ(before.samples.size(), after.samples.size());
  for (const auto& [series, value] : before.samples) {
    if (!before.MayOnlyGrow(series)) continue;
    EXPECT_GE(dead.Value(series), value) << series;
    EXPECT_GE(after.Value(series), dead.Value(series)) << series;
  }
}

/// What metrics/README.md says of each family of the pool's page: name, type and labels as its tables have
/// them.
std::set<std::string> FamiliesOfTheReadme() {
  std::istringstream text(sys::ReadFile(HYDRAPOOL_SOURCE_DIR "/metrics/README.md"));
  std::set<std::string> families;
  for (std::string line; std::getline(text, line);) {
    if (!line.starts_with("| `hydrapool_") && !line.starts_with("| `process_")) continue;
    std::istringstream cells(line.substr(1));
    std::string name, type, unit, labels;
    for (std::string* cell : {&name, &type, &unit, &labels}) std::getline(cells, *cell, '|');
    families.insert(fmt::format("|{}|{}|{}|", name, type, labels));
  }
  return families;
}

/// The labels of a series as the README writes them, without a histogram's `le`: "`slot`, `code`".
std::string LabelsOf(std::string_view series) {
  std::string labels;
  for (auto at = series.find_first_of("{,"); at != series.npos; at = series.find(',', at + 1)) {
    const std::string_view name = series.substr(at + 1, series.find('=', at) - at - 1);
    if (name != "le") labels += fmt::format("{}`{}`", labels.empty() ? "" : ", ", name);
  }
  return labels;
}

TEST(MetricsPageTest, EveryFamilyIsInTheReadmeAndTheOtherWayRound) {
  const hydrapool::Scoreboard board(1);
  const TextPage page = Render(board);
  std::set<std::string> families;
  for (const auto& [name, type] : page.types) {
    const std::string sample = type == "histogram" ? name + "_bucket" : name;
    const std::string labels = LabelsOf(page.samples.lower_bound(sample)->first);
    families.insert(fmt::format("| `{}` | {} |{}|", name, type, labels.empty() ? " " : " " + labels + " "));
  }
  EXPECT_GT(families.size(), 30u);
  EXPECT_THAT(families, UnorderedElementsAreArray(FamiliesOfTheReadme()));
}

TEST(TextPageTest, NoticesWhatPrometheusWouldRefuse) {
  const TextPage page = ParseTextPage("# TYPE a counter\na 1\na 2\nb 1\n# TYPE a counter\n");
  EXPECT_THAT(page.faults, Contains("series twice: a"));
  EXPECT_THAT(page.faults, Contains("out of place: b 1"));
  EXPECT_THAT(page.faults, Contains("family twice: a"));
}

}  // namespace
}  // namespace hydrapool::metrics
