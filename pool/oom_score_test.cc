// Whom the kernel kills first when memory runs out: programs before workers, workers before the parent.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "pool/testing/http_client.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

int OomScoreOf(pid_t pid) { return std::stoi(ReadFile("/proc/" + std::to_string(pid) + "/oom_score_adj")); }

void ExpectProgramsGoFirst(const ServerProcess& server) {
  const int parent = OomScoreOf(server.pid());
  EXPECT_EQ(parent, OomScoreOf(::getpid()));
  const std::vector<pid_t> workers = server.Workers();
  for (const pid_t worker : workers) EXPECT_EQ(OomScoreOf(worker), std::min(parent + 250, 1000));
  HttpClient client(server.address());
  ASSERT_TRUE(client.Send(Get("/cgi-bin/hang")));
  ASSERT_TRUE(Eventually([&] { return !server.Programs().empty(); }));
  const pid_t program = server.Programs().at(0);
  EXPECT_TRUE(Eventually([&] { return OomScoreOf(program) == std::min(parent + 500, 1000); }))
      << OomScoreOf(program);
}

TEST(OomScoreTest, ProgramsGoBeforeWorkersAndWorkersBeforeTheParent) {
  ServerProcess server;
  ExpectProgramsGoFirst(server);
}

// Its worker dies before it has come to that.
TEST(OomScoreTest, AlsoOfAProgramThatAnotherWorkerTakesOver) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  ServerProcess server({.failpoints = "cgi.spawned=kill@1"});
  ExpectProgramsGoFirst(server);
  EXPECT_TRUE(server.AwaitTotal("exits", 1));
}

TEST(OomScoreTest, AlsoOfWorkersThatReplaceOthersAndWithoutPrivileges) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  ServerProcess server({.flags = {"--user", "nobody"}});
  const pid_t first = server.Workers().at(0);
  server.SignalWorker(first, SIGKILL);
  ASSERT_TRUE(server.AwaitTotal("exits", 1));
  ASSERT_TRUE(server.AwaitQuiet());
  ExpectProgramsGoFirst(server);
}

}  // namespace
}  // namespace hydrapool::support
