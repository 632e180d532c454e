#include <gmock/gmock.h>

#include "harness/testing/run_fixture.h"
#include "pool/sys/socket.h"

namespace hydrapool::harness {
namespace {

using testing::Contains;
using testing::HasSubstr;

/// Runs against a server with one bug (testing/planted_server.cc).
struct PlantedServerTest : RunFixture {
  RunEnd RunWith(const std::string& bug, const std::string& load = "rate: 300, connections: 8") {
    const std::string port = sys::LocalAddress(sys::Listen("127.0.0.1:0").get()).substr(10);
    return Run(
        {"run",
         Scenario(fmt::format(
             "name: {0}\nstart: {{ command: ['{1}/planted_server', '{2}', {0}], "
             "url: 'http://127.0.0.1:{2}/' }}\n"
             "load: [{{ url: /, {3} }}]\nidle: 4\n"
             "faults: [{{ fault: kill, target: oldest, from: 300ms }}]\n"
             "duration: 3s\n"
             "expect: {{ cut: 0, extra_workers: 0, missing_workers: 0, leaked: 0, lost: 8, idle_lost: 4 }}\n",
             bug, HYDRAPOOL_BIN_DIR, port, load)),
         "--seed", "1"});
  }
  /// With ids and what more the scenario has; the workers hold `fault`.
  RunEnd RunWithIds(const std::string& bug, const std::string& echo, const std::string& expect,
                    const std::string& fault = "{ fault: kill, target: oldest, from: 300ms }") {
    return Run(
        {"run",
         Scenario(fmt::format("name: {0}\nstart: {{ command: ['{1}/planted_server', PORT, {0}, WORK/ledger], "
                              "url: 'http://127.0.0.1:PORT/', admin: '127.0.0.1:PORT' }}\n"
                              "load: [{{ url: /, rate: 300, connections: 8, keep_alive: false }}]\nidle: 0\n"
                              "echo: {2}\nfaults: [{3}]\nduration: 2s\n"
                              "expect: {4}\n",
                              bug, HYDRAPOOL_BIN_DIR, echo, fault, expect)),
         "--seed", "1"});
  }
  static void ExpectFailure(const RunEnd& end, const std::string& words) {
    EXPECT_EQ(end.exit_code, 1) << end.screen;
    EXPECT_THAT(end.json["reasons"], Contains(HasSubstr(words))) << end.screen;
  }
};

TEST_F(PlantedServerTest, WithoutABugItDoesNotFail) {
  const auto end = RunWith("none");
  EXPECT_NE(end.exit_code, 1) << end.screen;
  EXPECT_NE(end.exit_code, -1) << end.screen;
}

TEST_F(PlantedServerTest, WhoDoesNotReapIsFound) {
  ExpectFailure(RunWith("no-reap"), "dead children that nobody has reaped: 1");
}

TEST_F(PlantedServerTest, TwoSuccessorsOfOneWorkerAreFound) {
  ExpectFailure(RunWith("two-respawns"), "workers more than at the start: 1");
}

TEST_F(PlantedServerTest, AWorkerThatIsNotReplacedIsMissed) {
  ExpectFailure(RunWith("no-respawn"), "workers fewer than at the start: 1");
}

TEST_F(PlantedServerTest, ADroppedConnectionIsExplainedByNoFault) {
  ExpectFailure(RunWith("drop-accept", "rate: 300, connections: 8, keep_alive: false"),
                "failed requests that no fault explains: ");
}

TEST_F(PlantedServerTest, ALeakedDescriptorIsCounted) {
  ExpectFailure(RunWith("leak"), "descriptors of the main process more than at the start: 1");
}

TEST_F(PlantedServerTest, ABodyThatIsCutIsFound) { ExpectFailure(RunWith("truncate"), "answers cut: "); }

TEST_F(PlantedServerTest, AWorkerThatOutlivesItsServerIsFound) {
  ExpectFailure(RunWith("orphan"), "1 processes of the server outlived it");
}

TEST_F(PlantedServerTest, AWorkerThatStallsForEverIsFound) {
  // More connections than are asked on while the kill still explains what fails.
  ExpectFailure(RunWith("stall", "rate: 300, connections: 400"), "failed requests that no fault explains: ");
}

TEST_F(PlantedServerTest, AServerThatEndsConnectionsAtRestIsFound) {
  ExpectFailure(RunWith("idle"), "idle connections lost: ");
}

TEST_F(PlantedServerTest, AnAnswerThatIsSentTwiceIsFound) {
  ExpectFailure(RunWithIds("twice", "{ connections: 4 }", "{ unexplained: 1000 }"),
                "answers beyond the one: ");
}

TEST_F(PlantedServerTest, APostThatIsExecutedTwiceIsFound) {
  const std::string posts = "{ connections: 4, path: /, body_sizes: [20], ledger: WORK/ledger }";
  const auto end = RunWithIds("rerun", posts, "{ executed_twice: 0, unexplained: 1000 }");
  ExpectFailure(end, "requests executed more than once: ");
  const auto well = RunWithIds("none", posts, "{ executed_twice: 0, unexplained: 1000 }");
  EXPECT_EQ(well.json["measured"]["executed_twice"], 0) << well.screen;
}

TEST_F(PlantedServerTest, CountersThatGoBackAreFound) {
  ExpectFailure(RunWithIds("zeroed", "off", "{ unexplained: 1000 }"),
                "the server's own counters went back: ");
}

TEST_F(PlantedServerTest, AWorkerThatSpinsWithoutDescriptorsIsFound) {
  ExpectFailure(RunWithIds("spin", "off", "{ unexplained: 1000, cpu_per_request: 700us }",
                           "{ fault: descriptors, target: random, from: 300ms, for: 1500ms }"),
                "CPU time of the server for each request: ");
}

}  // namespace
}  // namespace hydrapool::harness
