// What idle connections keep of the memory that their answers lay in.
#include <gtest/gtest.h>

#include <deque>
#include <sstream>
#include <string>

#include "pool/testing/http_client.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

constexpr std::size_t kClients = 64;

/// "RssShmem" of a process, in KiB.
std::size_t SharedMemoryOf(pid_t pid) {
  std::istringstream status(ReadFile("/proc/" + std::to_string(pid) + "/status"));
  for (std::string word; status >> word;) {
    std::size_t kib = 0;
    if (word == "RssShmem:" && status >> kib) return kib;
  }
  return 0;
}

TEST(SlabMemoryTest, IdleConnectionsKeepNoneOfItAfterABurst) {
  ServerProcess server({.workers = 1});
  const pid_t worker = server.Workers().at(0);
  const std::size_t before = SharedMemoryOf(worker);
  std::string burst;
  for (int i = 0; i < 150; ++i) burst += Get("/?" + std::string(180, 'a'));
  std::deque<HttpClient> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.emplace_back(server.address());
    ASSERT_TRUE(clients.back().Send(burst));
    for (int answer = 0; answer < 150; ++answer) ASSERT_TRUE(clients.back().Receive());
  }
  const std::size_t most = before + kClients * 2 + 128;  // their records
  EXPECT_TRUE(Eventually([&] { return SharedMemoryOf(worker) <= most; }))
      << SharedMemoryOf(worker) << " KiB, before " << before;
  for (HttpClient& client : clients) EXPECT_TRUE(client.Ask(Get("/?again")));
  EXPECT_EQ(server.Total("exits"), 0u);
  EXPECT_TRUE(server.Stop().clean());
}

}  // namespace
}  // namespace hydrapool::support
