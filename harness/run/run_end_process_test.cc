#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <filesystem>

#include "harness/testing/run_fixture.h"
#include "pool/admin/client.h"
#include "pool/sys/socket.h"
#include "pool/testing/server_process.h"

namespace hydrapool::harness {
namespace {

using hydrapool::support::ServerProcess;
using testing::HasSubstr;

struct RunEndTest : RunFixture {};

TEST_F(RunEndTest, AnInterruptWhileTheServerComesUpAbortsTheRun) {
  const std::string started = scratch / "started";
  auto run =
      Launch({"run", Scenario(fmt::format("name: x\nstart: {{ command: [sh, -c, 'echo > {}; sleep 60'], url: "
                                          "'http://127.0.0.1:1/' }}\nload: [{{ url: / }}]\n",
                                          started))});
  ASSERT_TRUE(hydrapool::support::Eventually([&] { return std::filesystem::exists(started); }));
  run.Signal(SIGINT);
  const auto end = Await(run);
  EXPECT_EQ(end.exit_code, 4) << end.screen;
  EXPECT_THAT(end.screen, HasSubstr("called off before the server was there"));
}

// The port of a server that has ended may be another's by then.
TEST_F(RunEndTest, AnotherServerThatAnswersAtItsAdminAddressIsNotEndedForIt) {
  const ServerProcess stranger({.cgi_dir = ""});
  const std::string address = sys::LocalAddress(sys::Listen("127.0.0.1:0").get());
  const auto end =
      Run({"run",
           Scenario(fmt::format("name: x\n"
                                "start: {{ command: [timeout, -s, KILL, '5', '{}/hydrapool', --listen, '{}', "
                                "--admin, 'off', --no-supervisor], url: 'http://{}/', admin: '{}' }}\n"
                                "load: [{{ url: /, rate: 50 }}]\nidle: 0\necho: off\nduration: 8s\n",
                                HYDRAPOOL_BIN_DIR, address, address, stranger.admin()))});
  EXPECT_EQ(end.exit_code, 1) << end.screen;
  EXPECT_TRUE(admin::HttpGet(stranger.admin(), "/healthz", std::chrono::seconds(10))) << "it was told to end";
}

}  // namespace
}  // namespace hydrapool::harness
