// A debugger is attached to a worker, and busy with something else when the worker is killed.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include <string>

#include "pool/sys/child.h"
#include "pool/sys/kill.h"
#include "pool/testing/http_client.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

int TracerOf(pid_t pid) {
  const std::string status = ReadFile("/proc/" + std::to_string(pid) + "/status");
  const auto at = status.find("TracerPid:");
  return at == status.npos ? 0 : std::stoi(status.substr(at + 10));
}

TEST(TracedWorkerTest, ItsConnectionsAreCarriedOnAndItIsReplacedWhileItsTracerHoldsTheZombie) {
  ServerProcess server({.workers = 1});
  const pid_t worker = server.Workers().at(0);
  HttpClient idle(server.address());
  ASSERT_TRUE(idle.Ask(Get("/?first")));
  HttpClient asks(server.address());
  ASSERT_TRUE(asks.Send(Get("/cgi-bin/slow?before=3000&during=0&lines=1")));
  ASSERT_TRUE(Eventually([&] { return !server.Programs().empty(); }));

  sys::Child tracer = sys::Child::Fork([worker] {
    if (::ptrace(PTRACE_SEIZE, worker, nullptr, nullptr) != 0) return 1;
    for (;;) ::pause();
  });
  if (!Eventually([&] { return TracerOf(worker) == tracer.pid() || !Alive(tracer.pid()); }) ||
      !Alive(tracer.pid()))
    GTEST_SKIP() << "may not trace";
  server.SignalWorker(worker, SIGKILL);
  EXPECT_TRUE(server.AwaitTotal("exits", 1));
  EXPECT_EQ(asks.Receive().value_or(HttpAnswer{}).body, "line 0\n");
  EXPECT_EQ(idle.Ask(Get("/?again")).value_or(HttpAnswer{}).body, "hello again\n");
  EXPECT_EQ(TracerOf(worker), tracer.pid());

  tracer = sys::Child();
  EXPECT_TRUE(Eventually([&] { return sys::Kill(worker, 0) != 0; })) << "the zombie is still there";
  EXPECT_EQ(server.Total("exits"), 1u);
  EXPECT_TRUE(server.Stop().clean());
}

}  // namespace
}  // namespace hydrapool::support
