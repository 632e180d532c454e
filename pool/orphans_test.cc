// Parent and supervisor die one after the other.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "pool/life_fixture.h"
#include "pool/sys/child.h"
#include "pool/sys/kill.h"
#include "pool/sys/program.h"
#include "pool/testing/command.h"
#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/scratch.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

using std::string;

TEST(QuarantineTest, ALeaseOverWhichTwoParentsCrashIsLeftAloneByTheThird) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  ServerProcess server(
      {.workers = 1, .supervised = true, .failpoints = "parent.judged=crash@1,parent.judged=crash@1"});
  HttpClient client(server.address());
  ASSERT_TRUE(client.Ask(Get("/?1")));
  ASSERT_EQ(sys::Kill(server.Workers().front(), SIGKILL), 0);
  ASSERT_TRUE(Eventually([&] { return server.Log().find("two parents have crashed over") != string::npos; }));
  EXPECT_FALSE(client.Ask(Get("/?2"))) << "closed";
  HttpClient other(server.address());
  ASSERT_TRUE(other.Ask(Get("/?3"))) << other.error();
  EXPECT_EQ(server.Status().at("leases").at("open"), 1);
  ASSERT_EQ(sys::Kill(server.Workers().front(), SIGKILL), 0);
  EXPECT_TRUE(other.Ask(Get("/?4"))) << other.error();
  EXPECT_EQ(server.Status().at("parent").at("lives"), 3);
  EXPECT_TRUE(server.Stop().clean());
}

TEST(StandInTest, AParentThatDiesOnItsWayToTheSupervisorsPlaceIsFollowedToo) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  ServerProcess server({.supervised = true, .failpoints = "parent.succeeds=kill@1"});
  HttpClient client(server.address());
  ASSERT_TRUE(client.Ask(Get("/?1")));
  const pid_t parent = server.Status().at("parent").at("pid");
  const pid_t supervisor = server.pid();
  server.Signal(SIGKILL);
  server.WaitForEnd(std::chrono::seconds(10));
  ASSERT_TRUE(server.Await([&](const auto& status) {
    const auto now = status.at("pid").template get<pid_t>();
    return now != parent && now != supervisor && status.at("parent").at("pid") != now;
  }));
  EXPECT_TRUE(client.Ask(Get("/?2"))) << client.error();
  EXPECT_EQ(server.Total("accepted"), 1u);
}

/// Their parent has died, and then the supervisor that had inherited them: nobody of the pool will reap them.
class OrphansTest : public LifeTest {
 protected:
  void OrphanAll() {
    SignalParent(SIGKILL);
    const pid_t parent = Parent();
    server_.Signal(SIGKILL);
    server_.WaitForEnd(std::chrono::seconds(10));
    ASSERT_TRUE(server_.Await([&](const auto& status) {
      return status.at("pid") == parent && status.at("parent").at("pid") != parent;
    }));
  }
  pid_t StartProgram(HttpClient& client, const std::string& target) {
    EXPECT_TRUE(client.Send(Get(target)));
    EXPECT_TRUE(server_.Await([](const auto& status) { return status.at("cgi_processes") == 1; }));
    const std::vector<pid_t> workers = server_.Workers();
    std::vector<pid_t> programs = ChildrenOf(Parent());
    std::erase_if(programs, [&](pid_t each) { return std::ranges::count(workers, each) > 0; });
    EXPECT_EQ(programs.size(), 1u);
    return programs.empty() ? -1 : programs[0];
  }
};

TEST_F(OrphansTest, AProgramAnswersAndItsPlaceIsFree) {
  HttpClient client(server_.address());
  StartProgram(client, "/cgi-bin/slow?before=4000&during=10&lines=2");
  OrphanAll();
  const auto answer = client.Receive();
  ASSERT_TRUE(answer) << client.error();
  EXPECT_EQ(answer->body, "line 0\nline 1\n");
  EXPECT_TRUE(server_.Await([](const auto& status) { return status.at("cgi_processes") == 0; }));
  EXPECT_EQ(server_.Total("cgi_started"), 1u);
}

TEST_F(OrphansTest, AProgramWhoseClientLeavesIsEnded) {
  HttpClient client(server_.address());
  const pid_t program = StartProgram(client, "/cgi-bin/hang");
  const auto pidfd = sys::OpenPidfd(program);
  OrphanAll();
  client.Abort();
  EXPECT_TRUE(Readable(pidfd.get(), std::chrono::seconds(20)));
  EXPECT_TRUE(server_.Await([](const auto& status) { return status.at("cgi_processes") == 0; }));
}

TEST_F(OrphansTest, AWorkerThatDiesIsRescuedAndReplaced) {
  HttpClient client(server_.address());
  StartProgram(client, "/cgi-bin/slow?before=3000&during=10&lines=2");
  const std::vector<pid_t> workers = server_.Workers();
  OrphanAll();
  for (const pid_t worker : workers) sys::Kill(worker, SIGKILL);  // one waits for the program
  const auto answer = client.Receive();
  ASSERT_TRUE(answer) << client.error();
  EXPECT_EQ(answer->body, "line 0\nline 1\n");
  EXPECT_EQ(server_.Total("cgi_started"), 1u);
}

// None lives long enough to have patience with anything.
TEST_F(OrphansTest, TheDeadAreSeenToByParentsThatDieSoon) {
  HttpClient client(server_.address());
  ASSERT_TRUE(client.Ask(Get("/?1")));
  const std::vector<pid_t> workers = server_.Workers();
  OrphanAll();
  for (const pid_t worker : workers) sys::Kill(worker, SIGKILL);
  SignalParent(SIGKILL);
  SignalParent(SIGKILL);
  EXPECT_TRUE(client.Ask(Get("/?2"))) << client.error();
  EXPECT_TRUE(server_.Await([&](const auto& status) {
    return std::ranges::none_of(status.at("workers"), [&](const auto& worker) {
      return std::ranges::count(workers, worker.at("pid").template get<pid_t>()) > 0;
    });
  }));
}

}  // namespace
}  // namespace hydrapool::support
