#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "harness/fault/inject_run.h"
#include "harness/fault/process_tree.h"
#include "harness/fault/worker_kind.h"
#include "harness/testing/family.h"
#include "pool/sys/await.h"
#include "pool/sys/child.h"
#include "pool/sys/file.h"
#include "pool/sys/scratch_dir.h"

namespace hydrapool::harness {
namespace {

TEST(RenewalTest, ARestartByACommandOfTheServersOwnIsSeenByItsNewWorkers) {
  sys::EventLoop loop;
  const Family family;
  auto worker = sys::Child::Fork(SleepForEver);
  Injector injector(family.parent.pid(), {}, {{Fault::kRestart, {"true"}}, {Fault::kReload, {"false"}}});
  std::vector<InjectRecord> records;
  const auto run = [&](Fault fault) {
    InjectRun once(
        loop,
        {.schedule = {.fault = fault, .target = Target::kServer, .every = sys::kMillisecond, .count = 1}},
        injector,
        [&] {
          ServerProcesses server = ProcessesOf(family.parent.pid());
          server.workers = {ProcessView{.identity = ReadProcess(worker.pid())->identity}};
          return server;
        },
        [&](const InjectRecord& record) { records.push_back(record); });
    sys::EventLoop::Timer replaced;  // by a restart alone, however long the other's command takes to end
    if (fault == Fault::kRestart)
      replaced =
          loop.At(sys::Now() + 10 * sys::kMillisecond, [&] { worker = sys::Child::Fork(SleepForEver); });
    static_cast<void>(once.Run());
    return records.back();
  };
  const auto seen = run(Fault::kRestart);
  EXPECT_EQ(seen.outcome, Outcome::kRenewed);
  EXPECT_EQ(seen.proof, Proof::kConfirmed) << seen.reason;
  const auto refused = run(Fault::kReload);
  EXPECT_EQ(refused.proof, Proof::kMismatched);
  EXPECT_EQ(refused.reason, "its command ended with exit_1");
}

TEST(RenewalTest, ACommandThatDoesNotEndIsEndedWithWhatItHasStarted) {
  sys::EventLoop loop;
  const Family family;
  const sys::ScratchDir scratch("harness-hold");
  const std::string pid = scratch / "pid";
  Injector injector(family.parent.pid(), {},
                    {{Fault::kRestart, {"sh", "-c", "sleep 1000 & echo $! > " + pid + "; wait"}}});
  std::optional<InjectRun> once;
  once.emplace(
      loop,
      InjectRun::Options{.schedule = {.fault = Fault::kRestart,
                                      .target = Target::kServer,
                                      .every = sys::kMillisecond,
                                      .count = 1},
                         .dead_within = 3600 * sys::kSecond},
      injector, [&] { return ProcessesOf(family.parent.pid()); }, [](const InjectRecord&) {});
  once->Start(sys::Now());
  std::string started;
  while (!started.ends_with("\n")) {
    loop.RunOnce(sys::Now() + 10 * sys::kMillisecond);
    started = sys::ReadFile(pid);
  }
  const auto sleeper = sys::OpenPidfd(std::stoi(started));
  once.reset();
  EXPECT_TRUE(!sleeper || sys::Await(sleeper.get(), POLLIN, std::chrono::seconds(20)));
}

}  // namespace
}  // namespace hydrapool::harness
