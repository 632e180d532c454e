#include "harness/fault/guard.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/fault/injector.h"
#include "harness/fault/network_harm.h"
#include "harness/fault/process_tree.h"
#include "harness/fault/small_disk.h"
#include "harness/fault/trap.h"
#include "harness/fault/victim_group.h"
#include "harness/testing/killed_injector.h"
#include "pool/sys/clock.h"
#include "pool/sys/error.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/file.h"
#include "pool/sys/scratch_dir.h"
#include "pool/sys/shared_memory.h"
#include "pool/sys/socket.h"
#include "pool/testing/server_process.h"

namespace hydrapool::harness {
namespace {

TEST_F(KilledInjector, LeavesNobodyStoppedAHundredTimesOfAHundred) {
  for (int i = 0; i < 100; ++i) {
    KillWhile(Fault::kStop);
    if (HasFatalFailure()) return;
    ASSERT_NE(ReadProcess(victim.pid())->state, 'T') << i;
  }
}

TEST_F(KilledInjector, LeavesNoServerThatItHasStarted) {
  const auto server = sys::Child::Fork([]() -> int {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    return SleepForEver();
  });
  const Identity main = ReadProcess(server.pid())->identity;
  KillAfter([&](Injector& hurting) {
    static_cast<void>(hurting.Remember({.kind = Undo::Kind::kTerm, .victim = main}));
    return true;
  });
  if (HasFatalFailure()) return;
  EXPECT_TRUE(Ends(server.pid()));
  EXPECT_EQ(server.Ended()->Describe(), "SIGTERM");
}

TEST_F(KilledInjector, LeavesNoLimit) {
  for (const auto& [fault, resource] :
       {std::pair{Fault::kDescriptors, RLIMIT_NOFILE}, {Fault::kAddressSpace, RLIMIT_AS}}) {
    const auto before = LimitOf(victim.pid(), resource);
    KillWhile(fault);
    if (HasFatalFailure()) return;
    EXPECT_EQ(LimitOf(victim.pid(), resource), before) << Name(fault);
  }
}

TEST_F(KilledInjector, LeavesNoProcessThatSpins) {
  KillWhile(Fault::kCpu);
  if (HasFatalFailure()) return;
  for (const pid_t pid : ChildrenOf(::getpid())) {
    if (pid == victim.pid()) continue;
    EXPECT_TRUE(Ends(pid)) << "it spins on";
    ::waitpid(pid, nullptr, 0);
  }
}

TEST_F(KilledInjector, LeavesNobodyInACgroupOfItsOwn) {
  const std::string file = "/proc/" + std::to_string(victim.pid()) + "/cgroup";
  const std::string before = sys::ReadFile(file);
  for (const Fault fault : {Fault::kThrottle, Fault::kProcesses}) {
    if (WhyNoGroup(fault, victim.pid())) continue;
    KillWhile(fault);
    if (HasFatalFailure()) return;
    EXPECT_EQ(sys::ReadFile(file), before) << Name(fault);
  }
}

TEST_F(KilledInjector, LeavesNobodyInATrap) {
  const sys::ScratchDir scratch("harness-guard");
  Trap trap(Phase::kResponding, scratch / "trap");
  const sys::SharedArray<std::atomic<std::uint64_t>> turns(1);
  const auto worker = sys::Child::Fork([&]() -> int {
    ::setenv("HYDRAPOOL_FAILPOINTS", trap.setting().c_str(), 1);
    sys::ArmFailpoints();
    for (;; ++turns[0]) sys::PassFailpoint("worker.sent");
  });
  KillAfter([&](Injector& hurting) {
    static_cast<void>(hurting.Remember(trap.undo()));
    trap.Set();
    while (!trap.Caught()) ::sched_yield();
    return true;
  });
  if (HasFatalFailure()) return;
  const std::uint64_t before = turns[0];
  EXPECT_TRUE(support::Eventually([&] { return turns[0] > before; }));
}

TEST_F(KilledInjector, LeavesNoDiskFull) {
  const sys::ScratchDir scratch("harness-guard");
  const std::string disk = scratch / "disk";
  if (const auto mounted = MountSmallDisk(disk, 1 << 20); !mounted) GTEST_SKIP() << mounted.error().message;
  EXPECT_FALSE(IsFull(disk));
  KillWhile(Fault::kFullDisk, {.disk = disk});
  EXPECT_FALSE(IsFull(disk));
  UnmountSmallDisk(disk);
}

TEST(SmallDiskTest, AFileSystemWithoutASizeIsNotFilled) {
  const sys::ScratchDir scratch("harness-guard");
  const std::string disk = scratch / "disk";
  if (const auto mounted = MountSmallDisk(disk, 0); !mounted) GTEST_SKIP() << mounted.error().message;
  EXPECT_FALSE(Fill(disk, "1"));
  UnmountSmallDisk(disk);
}

/// Asks for connections that it never gets, so that there are packets.
int KnockOn(int port) {
  for (;;) {
    const sys::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    static_cast<void>(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address));
    ::sched_yield();
  }
}

std::string Tables() {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> nft(::popen("nft list tables", "re"), ::pclose);
  std::array<char, 4096> text;
  return {text.data(), std::fread(text.data(), 1, text.size(), nft.get())};
}

TEST_F(KilledInjector, LeavesNoNetworkHurt) {
  const auto loss = ParseNetworkHarm("loss 50%");
  if (const auto entered = EnterOwnNetwork(); !entered) GTEST_SKIP() << entered.error().message;
  if (const auto why = WhyNoHarm(*loss)) GTEST_SKIP() << *why;
  constexpr int kPort = 4711;
  const auto client = sys::Child::Fork([] { return KnockOn(kPort); });
  KillWhile(Fault::kNetwork, {.network = *loss, .port = kPort});
  EXPECT_THAT(Tables(), testing::Not(testing::HasSubstr("harness_")));
}

/// Another injector's harm of the same network stays when one is killed, or has numbered its own alike.
TEST_F(KilledInjector, LeavesAnothersHarmAlone) {
  const auto loss = ParseNetworkHarm("loss 50%");
  if (const auto entered = EnterOwnNetwork(); !entered) GTEST_SKIP() << entered.error().message;
  if (const auto why = WhyNoHarm(*loss)) GTEST_SKIP() << *why;
  constexpr int kPort = 4711;
  const auto client = sys::Child::Fork([] { return KnockOn(kPort); });
  Injector another(::getpid());
  another.StartGuard();
  auto blow = another.Strike(identity, Fault::kNetwork, {.network = *loss, .port = kPort});
  ASSERT_TRUE(blow) << blow.error().message;
  KillWhile(Fault::kNetwork, {.network = *loss, .port = kPort});
  EXPECT_TRUE(PacketsHarmed(blow->undo.path.data())) << "it was the other's";
  EXPECT_TRUE(another.TakeBack(*blow));
  EXPECT_THAT(Tables(), testing::Not(testing::HasSubstr("harness_")));
}

TEST(NetworkHarmTest, EachIsTakenBackAlone) {
  const auto delay = ParseNetworkHarm("delay 1ms");
  if (const auto entered = EnterOwnNetwork(); !entered) GTEST_SKIP() << entered.error().message;
  for (const auto& harm : {*delay, NetworkHarm{}})
    if (const auto why = WhyNoHarm(harm)) GTEST_SKIP() << *why;
  const std::string netem = NameOfHarm(*delay, "1");
  const std::string table = NameOfHarm({}, "1");
  EXPECT_TRUE(IsAbsent(netem));
  ASSERT_TRUE(BeginHarm(*delay, 0, netem));
  EXPECT_FALSE(BeginHarm(*delay, 0, NameOfHarm(*delay, "2"))) << "there can be one";
  EXPECT_TRUE(EndHarm(NameOfHarm(*delay, "2"))) << "it is not there";
  ASSERT_TRUE(BeginHarm({}, 4711, table));
  EXPECT_FALSE(IsAbsent(table));
  EXPECT_TRUE(EndHarm(table));
  EXPECT_TRUE(IsAbsent(table));
  EXPECT_FALSE(IsAbsent(netem));
  EXPECT_TRUE(EndHarm(table)) << "it is not there";
  EXPECT_TRUE(EndHarm(netem));
}

TEST(NetworkHarmTest, ADisconnectEndsThatPartOfTheConnectionsOfAPort) {
  if (const auto entered = EnterOwnNetwork(); !entered) GTEST_SKIP() << entered.error().message;
  const auto half = ParseNetworkHarm("disconnect 50%");
  if (const auto why = WhyNoHarm(*half)) GTEST_SKIP() << *why;
  const auto listener = sys::Listen("127.0.0.1:0");
  const int port = sys::LocalPort(listener.get());
  const std::string name = NameOfHarm(*half, "1");
  EXPECT_FALSE(BeginHarm(*half, port, name)) << "there is no connection";
  std::vector<sys::UniqueFd> clients;
  for (int i = 0; i < 4; ++i)
    clients.push_back(*sys::Connect(sys::LocalAddress(listener.get()), std::chrono::seconds(5)));
  const auto begun = BeginHarm(*half, port, name);
  ASSERT_TRUE(begun) << begun.error().message;
  EXPECT_EQ(PacketsHarmed(name), 2u);
  const auto is_reset = [](const sys::UniqueFd& client) {
    pollfd state{.fd = client.get(), .events = 0, .revents = 0};
    return ::poll(&state, 1, 0) == 1 && (state.revents & POLLERR) != 0;
  };
  const auto resets = [&] { return std::ranges::count_if(clients, is_reset); };
  const sys::Nanos deadline = sys::Now() + 10 * sys::kSecond;
  while (resets() < 2 && sys::Now() < deadline)
    ::poll(nullptr, 0, 5);  // they come with the network's next turn
  std::vector<int> reset;
  for (const auto& client : clients) {
    if (is_reset(client)) reset.push_back(sys::LocalPort(client.get()));
  }
  EXPECT_EQ(reset.size(), 2u);
  EXPECT_THAT(PortsDisconnected(name), testing::UnorderedElementsAreArray(reset));
  EXPECT_TRUE(EndHarm(name));
  EXPECT_THAT(PortsDisconnected(name), testing::IsEmpty());
}

TEST(NetworkHarmTest, IsNotTakenForGoneWhereNobodyCanTell) {
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", "/nowhere", 1);
  EXPECT_FALSE(EndHarm("harness_1"));
  EXPECT_FALSE(EndHarm("netem_1"));
  ::setenv("PATH", path.c_str(), 1);
}

TEST(GuardTest, WhatIsForgottenIsNotUndone) {
  auto victim = sys::Child::Fork(SleepForEver);
  {
    Guard guard;
    const auto id = guard.Remember({.kind = Undo::Kind::kEnd, .victim = ReadProcess(victim.pid())->identity});
    guard.Forget(id);
  }
  EXPECT_TRUE(IsAlive(victim.pid()));
  {
    Guard guard;
    static_cast<void>(
        guard.Remember({.kind = Undo::Kind::kEnd, .victim = ReadProcess(victim.pid())->identity}));
  }
  pollfd dead{.fd = victim.pidfd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&dead, 1, 20'000), 1);
}

TEST(GuardTest, LeavesAProcessAloneThatHasTheNumberByNow) {
  const auto victim = sys::Child::Fork(SleepForEver);
  auto another = ReadProcess(victim.pid())->identity;
  --another.start_time;
  {
    Guard guard;
    static_cast<void>(guard.Remember({.kind = Undo::Kind::kEnd, .victim = another}));
  }
  EXPECT_TRUE(IsAlive(victim.pid()));
}

}  // namespace
}  // namespace hydrapool::harness
