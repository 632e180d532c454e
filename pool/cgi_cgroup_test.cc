// --cgi-cgroup: a cgroup for each program, with which all that it has started ends.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "pool/shared/test_cgroup.h"
#include "pool/sys/kill.h"
#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

/// Programs with a cgroup each.
class CgroupsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cgroup_) GTEST_SKIP() << "no cgroup of version 2 that this user may have";
    // Its own child is a session's leader whose parent is gone: nobody's descendant any more.
    WriteProgram(programs_ / "daemon",
                 "#!/usr/bin/python3 -S\nimport os,signal,time\n"
                 "if os.fork()==0:\n  os.setsid()\n  if os.fork()!=0: os._exit(0)\n"
                 "  for s in (0,1,2): os.close(s)\n"
                 "  open(os.environ['MARKS'],'a').write(f'{os.getpid()}\\n')\n  signal.pause()\n"
                 "os.wait()\nwhile not os.path.exists(os.environ['MARKS']): time.sleep(0.01)\n"
                 "if os.environ['QUERY_STRING']=='hang': signal.pause()\n"
                 "print('Content-Type: text/plain\\n\\nok',end='')\n");
  }
  ServerProcess& Serve(const std::string& failpoints = "", bool supervised = false,
                       const std::vector<std::string>& more = {}) {
    std::filesystem::remove(marks_ / "marks");
    std::vector<std::string> flags{"--cgi-cgroup",  cgroup_.path(),
                                   "--cgi-timeout", "3",
                                   "--cgi-env",     "MARKS=" + (marks_ / "marks"),
                                   "--cgi-env",     "CGROUPS=" + cgroup_.path()};
    flags.insert(flags.end(), more.begin(), more.end());
    return server_.emplace(ServerOptions{
        .cgi_dir = programs_.path(), .flags = flags, .supervised = supervised, .failpoints = failpoints});
  }
  /// The one of "daemon" ends.
  void ExpectItsEnd() {
    pid_t pid = 0;
    std::ifstream(marks_ / "marks") >> pid;
    ASSERT_GT(pid, 0);
    EXPECT_TRUE(Eventually([&] { return !Alive(pid); }));
  }
  int Ask(const std::string& target) const {
    HttpClient client(server_->address());
    return client.Ask(Get("/cgi-bin/" + target)).value_or(HttpAnswer{}).status;
  }

  const TestCgroup cgroup_;
  ScratchDir programs_;
  ScratchDir marks_;
  std::optional<ServerProcess> server_;
};

TEST_F(CgroupsTest, WhatAProgramHasStartedEndsWithItWhateverItsSession) {
  Serve();
  EXPECT_EQ(Ask("daemon"), 200);
  ExpectItsEnd();
  std::filesystem::remove(marks_ / "marks");
  EXPECT_EQ(Ask("daemon?hang"), 504);
  ExpectItsEnd();
  EXPECT_TRUE(server_->Stop().clean());
  EXPECT_EQ(cgroup_.children(), 0u);
}

// Workers and parents hold nothing of it.
TEST_F(CgroupsTest, NobodysDeathLeavesAnything) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  for (const char* point : {"cgi.cgroup_made=kill@1", "cgi.spawned=kill@1", "parent.cgroup_ended=kill@1"}) {
    Serve(point, true);
    EXPECT_EQ(Ask("daemon"), 200) << point;
    ExpectItsEnd();
    EXPECT_EQ(Ask("daemon"), 200) << point;
    EXPECT_TRUE(server_->Await([](const auto& status) { return status.at("cgi_processes") == 0; })) << point;
    EXPECT_TRUE(server_->Stop().clean());
    EXPECT_EQ(cgroup_.children(), 0u) << point;
  }
}

// It freezes all that it has started, and itself, for good.
TEST_F(CgroupsTest, WhatAProgramHasDoneToItsCgroupIsNoConcernOfTheNextOneInItsPlace) {
  WriteProgram(programs_ / "freeze",
               "#!/usr/bin/python3 -S\nimport glob,os,signal\n"
               "held=bytearray(os.urandom(4096))*4096\n"
               "for i in range(8):\n  if os.fork()==0:\n    os.setsid()\n    held[0]=i\n    signal.pause()\n"
               "for own in glob.glob(os.environ['CGROUPS']+'/program-*'):\n"
               "  if str(os.getpid()) in open(own+'/cgroup.procs').read().split():\n"
               "    open(own+'/cgroup.freeze','w').write('1')\n"
               "signal.pause()\n");
  Serve("", false, {"--max-cgi", "1"});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Ask("freeze"), 504);
    EXPECT_EQ(Ask("daemon"), 200);
  }
  EXPECT_TRUE(server_->Stop().clean());
  EXPECT_EQ(cgroup_.children(), 0u);
}

TEST_F(CgroupsTest, WhyNoCgroupCanBeMadeIsInTheLogAndNotInTheAnswer) {
  Serve();
  const auto allow = [this](const std::string& most) {
    std::ofstream(cgroup_.path() + "/cgroup.max.descendants") << most;
  };
  allow(std::to_string(cgroup_.children()));
  HttpClient client(server_->address());
  const HttpAnswer refused = client.Ask(Get("/cgi-bin/daemon")).value_or(HttpAnswer{});
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.body.find(cgroup_.path()), std::string::npos) << refused.body;
  EXPECT_NE(server_->Log().find(cgroup_.path() + "/program-0."), std::string::npos);
  allow("max");
  EXPECT_EQ(Ask("daemon"), 200);
}

// The parent cannot take the supervisor's place, and serves on without one.
TEST_F(CgroupsTest, APoolWithoutASupervisorLeavesNothingEither) {
  const std::string config = marks_ / "hydrapool.toml";
  std::ofstream(config) << "workers = 2\n";
  Serve("", true, {"--config", config});
  std::ofstream(config) << "wrokers = 2\n";
  server_->Signal(SIGKILL);
  server_->WaitForEnd(std::chrono::seconds(10));
  ASSERT_TRUE(
      server_->Await([](const auto& status) { return status.at("pid") == status.at("parent").at("pid"); }));
  EXPECT_EQ(Ask("daemon"), 200);
  ExpectItsEnd();
  const pid_t parent = server_->Status().at("pid");
  ASSERT_EQ(sys::Kill(parent, SIGTERM), 0);
  EXPECT_TRUE(Eventually([&] { return !Alive(parent); }));
  EXPECT_EQ(cgroup_.children(), 0u);
}

}  // namespace
}  // namespace hydrapool::support
