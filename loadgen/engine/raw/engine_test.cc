#include "loadgen/engine/raw/engine.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "loadgen/testing/scripted_server.h"

namespace {

thread_local std::uint64_t allocations = 0;

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace hydrapool::loadgen {
namespace {

/// How often this thread allocates memory within a run of `count` requests.
std::uint64_t AllocationsOf(const ScriptedServer& server, std::uint64_t count, std::optional<double> rate) {
  const Plan plan{
      .targets = {{.url = server.Url("/ok")}, {.url = server.Url("/chunked")}, {.url = server.Url("/500")}},
      .arrivals = {.rate = rate, .count = count},
      .connections = 3};
  const StopSignal stop;
  RawEngine engine(plan, plan.connections, stop);
  const auto start = sys::Now();
  Agenda agenda(plan, 0, start);
  Recorder recorder(plan, start, agenda.planned_end(), nullptr);
  const auto before = allocations;
  engine.Run(agenda, recorder);
  EXPECT_EQ(recorder.tally().outcomes.completed(), count);
  return allocations - before;
}

TEST(RawEngineTest, ARequestAllocatesNothingOnceAllIsWarm) {
  const ScriptedServer server;
  for (const auto rate : {std::optional<double>(), std::optional<double>(20'000)}) {
    const auto few = AllocationsOf(server, 300, rate);
    const auto many = AllocationsOf(server, 3000, rate);
    EXPECT_GT(few, 0u) << "nothing was counted";
    EXPECT_LE(many, few + 3) << "more requests, more allocations";
  }
}

TEST(RawEngineTest, UrlsItCannotSpeakToAreRefused) {
  const StopSignal stop;
  const Plan plan{.targets = {{.url = "https://127.0.0.1/"}}};
  EXPECT_THROW(RawEngine(plan, 1, stop), std::invalid_argument);
}

}  // namespace
}  // namespace hydrapool::loadgen
