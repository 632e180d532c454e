#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <vector>

#include "metrics/metrics_page.h"
#include "metrics/process_stats.h"
#include "metrics/status_json.h"
#include "pool/sys/error.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::metrics {
namespace {

void Fill(const hydrapool::Scoreboard& board) {
  for (const auto* mount : {"/", "/cgi-bin/", "/git"}) board.parts().Enter(mount);
  for (std::size_t i = 0; i < board.workers(); ++i) {
    hydrapool::WorkerSlot& slot = board.slot(i);
    slot.pid = ::getpid();
    slot.incarnation = 3;
    slot.last_exit = 256 + 9;
    board.life_of(i).state = hydrapool::WorkerState::kReady;
    slot.replies[2].Add(1'000'000 + i);
    slot.busy_nanos.Add(123'456'789'012 + i);
    slot.request_seconds.Observe(i % 4, 2, static_cast<sys::Nanos>(i) * sys::kMillisecond);
  }
}

void BM_StatusJson(benchmark::State& state) {
  const hydrapool::Scoreboard board(static_cast<std::size_t>(state.range(0)));
  Fill(board);
  const StatusFacts facts{
      .pid = 1, .version = "1.2.3", .dispatch = "lease", .balance = "least-busy", .now = 1};
  for (auto _ : state) benchmark::DoNotOptimize(StatusJson(board, facts));
}
BENCHMARK(BM_StatusJson)->Arg(4)->Arg(64)->Arg(256);

void BM_RenderMetrics(benchmark::State& state) {
  const hydrapool::Scoreboard board(static_cast<std::size_t>(state.range(0)));
  Fill(board);
  for (auto _ : state) benchmark::DoNotOptimize(RenderMetrics(board, {.version = "1.2.3"}));
}
BENCHMARK(BM_RenderMetrics)->Arg(4)->Arg(64)->Arg(256);

void BM_RenderOpenMetrics(benchmark::State& state) {
  const hydrapool::Scoreboard board(static_cast<std::size_t>(state.range(0)));
  Fill(board);
  for (auto _ : state) benchmark::DoNotOptimize(RenderOpenMetrics(board, {.version = "1.2.3"}));
}
BENCHMARK(BM_RenderOpenMetrics)->Arg(4)->Arg(64)->Arg(256);

void BM_ResidentBytes(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(ResidentBytes(::getpid()));
}
BENCHMARK(BM_ResidentBytes);

void BM_ReadProcessStats(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(ReadProcessStats());
}
BENCHMARK(BM_ReadProcessStats);

void BM_CountDescriptorsOneByOne(benchmark::State& state) {
  std::vector<sys::UniqueFd> files;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    files.push_back(sys::UniqueFd(sys::Check(::open("/dev/null", O_RDONLY | O_CLOEXEC), "open /dev/null")));
  }
  for (auto _ : state) benchmark::DoNotOptimize(CountDescriptorsOneByOne());
}
BENCHMARK(BM_CountDescriptorsOneByOne)->Arg(100)->Arg(900);

}  // namespace
}  // namespace hydrapool::metrics
