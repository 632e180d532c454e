#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include "harness/testing/run_fixture.h"
#include "pool/admin/client.h"
#include "pool/sys/child.h"
#include "pool/sys/socket.h"
#include "pool/testing/server_process.h"

namespace hydrapool::harness {
namespace {

using hydrapool::support::ServerProcess;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

struct RunTest : RunFixture {
  /// What is refused before the run is one line, and exit code 2.
  void ExpectRefusal(const RunEnd& end, const std::string& words) {
    EXPECT_EQ(end.exit_code, 2) << end.screen;
    EXPECT_THAT(end.screen, HasSubstr(words));
    EXPECT_EQ(std::ranges::count(end.screen, '\n'), 1) << end.screen;
  }
};

constexpr const char* kHydrapool = "start: { hydrapool: { workers: 2 } }\n";

TEST_F(RunTest, AMistakeInTheFileIsNamedWithItsLineAndWhatWasMeant) {
  const auto run = [this](const std::string& line) {
    return Run({"run", Scenario(fmt::format("name: x\n{}load: [{{ url: / }}]\n{}\n", kHydrapool, line))});
  };
  ExpectRefusal(run("duraton: 3s"), "s.yaml:4: a scenario has no key 'duraton'; did you mean 'duration'?");
  ExpectRefusal(run("duration: 3 sec"), "s.yaml:4: duration: '3 sec' is not a duration (like 10s");
  ExpectRefusal(
      run("faults: [{ fault: kill, target: randm }]"),
      "s.yaml:4: target 'randm' is none of all, all-but-one, any, busiest, cgi-of=SLOT, idle, oldest, "
      "parent, random, server, slot=N, supervisor, youngest; did you mean 'random'?");
  ExpectRefusal(Run({"run", scratch / "none.yaml"}), "none.yaml: no such file");
}

TEST_F(RunTest, ADryRunPrintsTheFaultsOfItsSeedAndStartsNothing) {
  const auto plan = [this] {
    const auto finished = hydrapool::support::RunProgram(hydrapool::support::Harness(
        {"run",
         Scenario(
             "name: x\nstart: { command: [no-such-server], url: 'http://127.0.0.1:1/' }\nload: [{ url: / }]\n"
             "faults: [{ fault: kill, target: any, every: 1s, from: 1s, to: 3s }]\n"),
         "--seed", "7", "--dry-run"}));
    EXPECT_EQ(finished.status.code, 0);
    return finished.output;
  };
  EXPECT_THAT(plan(), HasSubstr(R"({"id":1,"at_ns":1000000000,"fault":"kill","target":"any","draw":)"));
  EXPECT_EQ(plan(), plan());
}

TEST_F(RunTest, APortInUseIsNamed) {
  const auto taken = sys::Listen("127.0.0.1:0");
  const std::string address = sys::LocalAddress(taken.get());
  const auto end =
      Run({"run", Scenario(fmt::format("name: x\nstart: {{ hydrapool: {{ flags: [--listen, '{}'] }} }}\n"
                                       "load: [{{ url: / }}]\n",
                                       address))});
  ExpectRefusal(end, "the server ended at once (exit_1): hydrapool: ");
  EXPECT_THAT(end.screen, HasSubstr(address + ": Address already in use"));
}

TEST_F(RunTest, AServerThatIsThereAlreadyIsNotTakenForTheOneToStart) {
  const ServerProcess server;
  const auto end =
      Run({"run", Scenario(fmt::format("name: x\nstart: {{ command: [sleep, '60'], url: 'http://{}/' }}\n"
                                       "load: [{{ url: / }}]\n",
                                       server.address()))});
  ExpectRefusal(end, "something answers at http://" + server.address() + "/ before the server is started");
}

TEST_F(RunTest, AProgramThatIsNotThereIsNamed) {
  const auto end =
      Run({"run", Scenario("name: x\nstart: { command: [no-such-server], url: 'http://127.0.0.1:1/' }\n"
                           "load: [{ url: / }]\n")});
  ExpectRefusal(end, "no-such-server: No such file or directory");
}

TEST_F(RunTest, AResultThatCannotBeWrittenIsSaidBeforeTheRun) {
  const auto finished = hydrapool::support::RunProgram(hydrapool::support::Harness(
      {"run", Scenario(std::string("name: x\n") + kHydrapool + "load: [{ url: / }]\n"), "--json",
       scratch / "none/x.json"}));
  EXPECT_EQ(finished.status.code, 2);
  EXPECT_THAT(finished.output, AllOf(HasSubstr("cannot write"), HasSubstr("No such file or directory")));
}

TEST_F(RunTest, AServerToAttachToThatIsNotThereIsNamedWithItsLine) {
  const auto attach_to = [this](pid_t pid, const std::string& more, const std::string& fault) {
    return Run({"run", Scenario(fmt::format(
                           "name: x\nattach:\n  {{ parent: {}, url: 'http://127.0.0.1:1/'{} }}\n"
                           "load: [{{ url: / }}]\nfaults: [{{ fault: {}, target: random, from: 1s }}]\n",
                           pid, more, fault))});
  };
  auto gone = sys::Child::Fork([] { return 0; });
  const pid_t pid = gone.pid();
  ASSERT_TRUE(hydrapool::support::Readable(gone.pidfd(), std::chrono::milliseconds(5000)));
  const std::string words = fmt::format("s.yaml:3: attach: parent {}: no such process", pid);
  ExpectRefusal(attach_to(pid, "", "kill"), words);
  ASSERT_TRUE(gone.TryReap());
  for (const char* fault : {"kill", "throttle", "oom"}) ExpectRefusal(attach_to(pid, "", fault), words);
  ExpectRefusal(attach_to(::getpid(), ", admin: '127.0.0.1:1'", "kill"), "s.yaml:3: attach: ");
}

TEST_F(RunTest, AnotherUsersServerIsRefused) {
  if (::getuid() != 0) GTEST_SKIP() << "only root can be two users";
  const ServerProcess server;
  std::filesystem::permissions(scratch.path(), std::filesystem::perms::all);
  const auto end =
      Run({"attach", "--parent", std::to_string(server.pid()), "http://" + server.address() + "/"}, {},
          {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"});
  ExpectRefusal(end, "belongs to another user");
}

TEST_F(RunTest, AParentThatDiesDuringARunFailsIt) {
  ServerProcess server({.cgi_dir = ""});
  auto run = Launch({"attach", "--parent", std::to_string(server.pid()), "--admin", server.admin(), "--rate",
                     "200", "--connections", "4", "--duration", "20s", "http://" + server.address() + "/"});
  ASSERT_TRUE(server.AwaitTotal("requests", 50));
  server.Signal(SIGKILL);
  const auto end = Await(run);
  EXPECT_EQ(end.exit_code, 1) << end.screen;
  EXPECT_THAT(end.json["reasons"], Contains("the server's main process ended during the run"));
}

TEST_F(RunTest, WhatIsHeldIsConfirmedTakenBackAndTold) {
  const auto end = Run({"run", Scenario(std::string("name: x\n") + kHydrapool +
                                        "load: [{ url: /, rate: 100 }]\nidle: 0\necho: off\n"
                                        "faults:\n"
                                        "  - { fault: stop, target: slot=0, from: 200ms, for: 500ms }\n"
                                        "  - { fault: cpu, target: youngest, from: 2s, for: 1s }\n"
                                        "duration: 4s\n")});
  ASSERT_TRUE(end.json.contains("faults")) << end.screen;
  ASSERT_EQ(end.json["faults"].size(), 2u);
  for (const auto& fault : end.json["faults"]) {
    EXPECT_EQ(fault["outcome"], "held") << fault;
    EXPECT_EQ(fault["proof"], "confirmed") << fault;
    EXPECT_TRUE(fault["undone_us"].is_number()) << fault;
  }
  EXPECT_THAT(end.screen, HasSubstr("2 landed"));
}

TEST_F(RunTest, WhatIsHeldBeyondTheEndIsTakenBackThenAndTold) {
  const auto end = Run({"run", Scenario(std::string("name: x\n") + kHydrapool +
                                        "load: [{ url: /, rate: 100 }]\nidle: 0\necho: off\n"
                                        "faults: [{ fault: cpu, target: youngest, from: 200ms, for: 1h }]\n"
                                        "duration: 1s\n")});
  ASSERT_TRUE(end.json.contains("faults")) << end.screen;
  ASSERT_EQ(end.json["faults"].size(), 1u);
  EXPECT_EQ(end.json["faults"][0]["proof"], "confirmed");
  EXPECT_TRUE(end.json["faults"][0]["undone_us"].is_number());
}

TEST_F(RunTest, AParentsAndASupervisorsDeathAndAReloadAreProvedAndTold) {
  const auto end = Run({"run",
                        Scenario(std::string("name: x\n") + kHydrapool +
                                 "load: [{ url: /, rate: 100 }]\nidle: 4\n"
                                 "faults:\n"
                                 "  - { fault: kill, target: parent, from: 200ms }\n"
                                 "  - { fault: kill, target: supervisor, from: 3s }\n"
                                 "  - { fault: reload, from: 6s }\n"
                                 "duration: 9s\nexpect: { lost: 0, cut: 0, idle_lost: 0 }\n"),
                        "--seed", "1"});
  ASSERT_TRUE(end.json.contains("faults")) << end.screen;
  ASSERT_EQ(end.json["faults"].size(), 3u);
  EXPECT_EQ(end.json["requests"]["lost"], 0);
  EXPECT_EQ(end.json["requests"]["idle_lost"], 0);
  EXPECT_NE(end.json["verdict"], "FAIL") << end.screen;
  const auto& faults = end.json["faults"];
  for (const auto& fault : faults) EXPECT_EQ(fault["proof"], "confirmed") << fault;
  EXPECT_EQ(faults[0]["role"], "parent");
  EXPECT_TRUE(faults[0]["timeline_us"]["ready"].is_number()) << faults[0];
  EXPECT_EQ(faults[1]["role"], "supervisor");
  EXPECT_EQ(faults[1]["replaced_by"], faults[0]["replaced_by"]) << "its parent has taken its place";
  EXPECT_EQ(faults[2]["outcome"], "renewed");
  EXPECT_TRUE(faults[2]["renewed_us"].is_number());
}

TEST_F(RunTest, ARunIsToldInFilesForPeopleAndProgramsAndToPrometheus) {
  const std::string address = sys::LocalAddress(sys::Listen("127.0.0.1:0").get());
  auto run =
      Launch({"run",
              Scenario(std::string("name: x\n") + kHydrapool +
                       "load: [{ url: /, rate: 50 }]\nidle: 0\necho: off\n"
                       "faults: [{ fault: stop, target: slot=0, from: 200ms, for: 200ms }]\nduration: 2s\n"),
              "--report", scratch / "r.html", "--junit", scratch / "r.xml", "--summary", scratch / "r.md",
              "--metrics", address});
  const auto says = [&address](const std::string& words) {
    const auto page = admin::HttpGet(address, "/metrics", std::chrono::seconds(2));
    return page && page->body.find(words) != std::string::npos;
  };
  EXPECT_TRUE(hydrapool::support::Eventually([&] {
    return says(R"(harness_faults_total{fault="stop",role="worker",outcome="held",proof="confirmed"} 1)");
  }));
  EXPECT_TRUE(hydrapool::support::Eventually([&] { return says(R"(harness_verdict{verdict="PASS"} 1)"); }));
  const auto end = Await(run);
  EXPECT_EQ(end.exit_code, 0) << end.screen;
  EXPECT_THAT(hydrapool::support::ReadFile(scratch / "r.html"), HasSubstr("<title>harness: x</title>"));
  EXPECT_THAT(hydrapool::support::ReadFile(scratch / "r.xml"), HasSubstr("errors=\"0\""));
  EXPECT_THAT(hydrapool::support::ReadFile(scratch / "r.md"), HasSubstr("## PASS x"));
}

TEST_F(RunTest, WhatRenewsNeedsACommandOrASignalAndFitsItsTarget) {
  const auto run = [this](const std::string& server, const std::string& fault) {
    return Run(
        {"run", Scenario(fmt::format("name: x\n{}load: [{{ url: / }}]\nfaults: [{}]\n", server, fault))});
  };
  ExpectRefusal(run(kHydrapool, "{ fault: reload, target: random }"),
                "s.yaml:4: reload is of the whole server: it has no other target");
  ExpectRefusal(run(kHydrapool, "{ fault: kill, target: server }"),
                "s.yaml:4: target server is only for what");
  ExpectRefusal(run(kHydrapool, "{ fault: restart }"),
                "s.yaml:4: restart needs the server's own command for it");
  ExpectRefusal(run("start: { command: [sleep, '60'], url: 'http://127.0.0.1:1/' }\n", "{ fault: upgrade }"),
                "s.yaml:4: upgrade needs the server's own command for it");
  ExpectRefusal(
      run("start: { hydrapool: { flags: [--no-supervisor] } }\n", "{ fault: kill, target: supervisor }"),
      "has no supervisor");
}

TEST_F(RunTest, AServerThatNoLongerServesAbortsTheRun) {
  ServerProcess server({.cgi_dir = ""});
  const auto end = Run({"attach",
                        "--parent",
                        std::to_string(server.pid()),
                        "--admin",
                        server.admin(),
                        "--fault",
                        "stop",
                        "--target",
                        "parent",
                        "--hold",
                        "60s",
                        "--every",
                        "30s",
                        "--from",
                        "300ms",
                        "--rate",
                        "50",
                        "--close",
                        "--idle",
                        "0",
                        "--steady",
                        "http://" + server.address() + "/",
                        "--within",
                        "500ms",
                        "--duration",
                        "60s",
                        "http://" + server.address() + "/"});
  EXPECT_EQ(end.exit_code, 4) << end.screen;
  EXPECT_EQ(end.json["verdict"], "ABORTED");
  EXPECT_THAT(end.json["reasons"], Contains("no request was answered for 500 ms"));
  EXPECT_TRUE(server.AwaitTotal("requests", 1)) << "it serves again";
}

TEST_F(RunTest, WhereNoFaultLandsTheRunIsInvalid) {
  const std::string address = sys::LocalAddress(sys::Listen("127.0.0.1:0").get());
  const auto end =
      Run({"run", Scenario(fmt::format("name: x\n"
                                       "start: {{ command: [sh, -c, '{}/hydrapool --listen {} --admin off & "
                                       "trap \"kill $!\" TERM; wait; wait'], url: 'http://{}/' }}\n"
                                       "load: [{{ url: /, rate: 50 }}]\n"
                                       "faults: [{{ fault: kill, target: random, from: 300ms }}]\n"
                                       "duration: 600ms\n",
                                       HYDRAPOOL_BIN_DIR, address, address))});
  EXPECT_EQ(end.exit_code, 3) << end.screen;
  EXPECT_THAT(end.json["reasons"], Contains("no fault landed: no worker was there"));
}

TEST_F(RunTest, WhereNoFaultMeetsARequestTheRunIsInvalid) {
  const auto end = Run({"run", Scenario(std::string("name: x\n") + kHydrapool +
                                        "echo: off\nidle: 0\n"
                                        "load: [{ url: /, rate: 0.2, connections: 1 }]\n"
                                        "faults: [{ fault: kill, target: random, from: 2500ms }]\n"
                                        "duration: 4s\n")});
  EXPECT_EQ(end.exit_code, 3) << end.screen;
  EXPECT_THAT(end.json["reasons"], Contains("no fault landed while a request was in flight"));
}

}  // namespace
}  // namespace hydrapool::harness
