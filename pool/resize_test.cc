// More workers, fewer, and others in their places.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "pool/succession_fixture.h"
#include "pool/sys/kill.h"
#include "pool/testing/http_client.h"

namespace hydrapool::support {
namespace {

/// So many serve, and no more.
bool AwaitReady(const ServerProcess& server, int wanted) {
  return server.Await([&](const auto& status) {
    int count = 0;
    for (const auto& each : status.at("workers")) count += each.at("state") == "ready" ? 1 : 0;
    return count == wanted;
  });
}

TEST_F(SuccessionTest, TtinAndTtouAreAWorkerMoreAndOneLess) {
  Start();
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Ask(Get("/?1")));
  const auto ready = [this](int wanted) { return AwaitReady(*server_, wanted); };
  server_->Signal(SIGTTIN);
  EXPECT_TRUE(ready(3));
  server_->Signal(SIGTTOU);
  EXPECT_TRUE(ready(2));
  server_->Signal(SIGTTOU);
  EXPECT_TRUE(ready(1));
  SignalAndAwait(SIGTTOU, "there cannot be fewer");
  EXPECT_TRUE(client.Ask(Get("/?2"))) << client.error();
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(SuccessionTest, AsManyWorkersAsWereAskedForOutliveTheSupervisor) {
  Start();
  server_->Signal(SIGTTIN);
  ASSERT_TRUE(AwaitReady(*server_, 3));
  const pid_t supervisor = server_->pid();
  server_->Signal(SIGKILL);
  EXPECT_EQ(server_->WaitForEnd(std::chrono::seconds(10)).signal, SIGKILL);
  pid_t next = supervisor;
  ASSERT_TRUE(server_->Await([&](const auto& status) {
    next = status.at("pid");
    return next != supervisor;
  }));
  ASSERT_EQ(sys::Kill(next, SIGTTIN), 0);
  EXPECT_TRUE(AwaitReady(*server_, 4)) << "one more than there were";
}

TEST_F(SuccessionTest, WorkersAreReplacedAfterTheirRequestsOneAfterAnother) {
  Start({"--max-requests", "50"});
  HttpClient client(server_->address());
  EXPECT_TRUE(Eventually([&] {
    for (int i = 0; i < 60; ++i) EXPECT_TRUE(client.Ask(Get("/?1"))) << client.error();
    return server_->Total("exits") >= 3;
  }));
  EXPECT_EQ(server_->Total("lost") + server_->Total("rescued"), 0u);
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(SuccessionTest, AWorkerIsReplacedWhenItsMemoryHasGrown) {
  Start({"--max-memory", "1"});
  HttpClient client(server_->address());
  EXPECT_TRUE(server_->AwaitTotal("exits", 2));
  EXPECT_TRUE(client.Ask(Get("/?1"))) << client.error();
  EXPECT_NE(server_->Log().find("its memory has grown"), string::npos);
  EXPECT_TRUE(server_->Stop().clean());
}

}  // namespace
}  // namespace hydrapool::support
