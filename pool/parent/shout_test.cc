// The example program scripts/examples/shout, run and spoken to.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "pool/parent/test_pool.h"
#include "pool/sys/kill.h"

namespace hydrapool {
namespace {

std::vector<int> ChildrenOf(pid_t pid) {
  const std::string number = std::to_string(pid);
  std::ifstream file("/proc/" + number + "/task/" + number + "/children");
  std::vector<int> children;
  for (int child; file >> child;) children.push_back(child);
  return children;
}

TEST(ShoutTest, AnswersInCapitalsAlsoWhileItsWorkersAreKilled) {
  std::string address;
  {
    const sys::UniqueFd listener = sys::Listen("127.0.0.1:0");
    address = sys::LocalAddress(listener.get());
  }
  sys::Child shout = sys::Child::Fork([&] {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    return ::execl(HYDRAPOOL_BIN_DIR "/shout", "shout", address.c_str(), nullptr);
  });
  ASSERT_TRUE(test::Eventually([&] { return sys::Connect(address, std::chrono::seconds(1)).has_value(); }));
  const test::LineClient client(address);
  for (int i = 0; i < 20; ++i) {
    const std::string number = std::to_string(i);
    client.Say("hello " + number);
    if (const auto workers = ChildrenOf(shout.pid()); !workers.empty()) {
      sys::Kill(workers[static_cast<std::size_t>(i) % workers.size()], SIGKILL);
    }
    EXPECT_EQ(client.Ask(", world\n"), "HELLO " + number + ", WORLD\n");
  }
  shout.Signal(SIGTERM);
  ASSERT_TRUE(sys::test::WaitFor(shout.pidfd(), POLLIN));
  EXPECT_EQ(shout.TryReap()->Describe(), "exit_0");
}

}  // namespace
}  // namespace hydrapool
