#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "pool/testing/http_client.h"
#include "pool/testing/scratch.h"
#include "pool/testing/server_process.h"

// A file that is too large to lie in sockets, on its way to clients that take their time.
namespace hydrapool::support {
namespace {

namespace fs = std::filesystem;

class LargeFileTest : public ::testing::Test {
 protected:
  LargeFileTest() {
    std::ofstream(scratch_.path() / "file").put('a');
    Resize();
  }
  void Resize(std::uintmax_t size = std::uintmax_t{64} * 1024 * 1024) const {
    fs::resize_file(scratch_.path() / "file", size);
  }
  [[nodiscard]] ServerOptions Options(const std::string& listen = "127.0.0.1:0") const {
    return {.cgi_dir = "",
            .flags = {"--mount", "/=files:" + scratch_.path().string(), "--expose-worker"},
            .listen = listen};
  }
  [[nodiscard]] bool IsOpenIn(pid_t worker) const {
    std::error_code gone;
    for (const auto& each : fs::directory_iterator("/proc/" + std::to_string(worker) + "/fd", gone)) {
      if (fs::read_symlink(each.path(), gone) == scratch_.path() / "file") return true;
    }
    return false;
  }

  ScratchDir scratch_;
};

TEST_F(LargeFileTest, OneThatBecomesShorterIsACut) {
  for (const std::string& listen : {std::string("127.0.0.1:0"), "unix:" + (scratch_ / "socket")}) {
    const ServerProcess server(Options(listen));
    HttpClient client(server.address());
    ASSERT_TRUE(client.Send(Get("/file")));
    ASSERT_EQ(client.ReceiveInterim(), 200);
    Resize(1000);
    EXPECT_FALSE(client.Receive());
    EXPECT_TRUE(server.AwaitTotal("cut", 1));
    EXPECT_EQ(HttpClient(server.address()).Ask(Get("/file")).value_or(HttpAnswer{}).body.size(), 1000u);
    Resize();
  }
}

TEST_F(LargeFileTest, OfARequestThatGoesToAnotherWorkerTheFirstHoldsNothing) {
  const ServerProcess server(Options());
  std::vector<std::unique_ptr<HttpClient>> clients;
  std::vector<std::string> workers;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server.address()));
    const auto answer = clients.back()->Ask(Get("/file", "Range: bytes=0-9\r\n"));
    ASSERT_TRUE(answer) << clients.back()->error();
    workers.push_back(answer->Field("X-Worker"));
  }
  const std::size_t slow = workers[0] == workers[1] || workers[0] == workers[2] ? 0 : 1;
  const std::size_t next = workers[slow] == workers[slow + 1] ? slow + 1 : 2;
  ASSERT_EQ(workers[slow], workers[next]);
  ASSERT_TRUE(clients[slow]->Send(Get("/file")));
  ASSERT_EQ(clients[slow]->ReceiveInterim(), 200);
  // Now that worker is the busier one; where the parent does not come at once, it keeps the request.
  ASSERT_TRUE(Eventually([&] {
    const auto answer = clients[next]->Ask(Get("/file", "Range: bytes=0-999999\r\n"));
    return answer && answer->Field("X-Worker") != workers[next];
  })) << clients[next]->error();
  clients[slow]->Abort();
  EXPECT_TRUE(Eventually(
      [&] { return std::ranges::none_of(server.Workers(), [&](pid_t pid) { return IsOpenIn(pid); }); }));
}

}  // namespace
}  // namespace hydrapool::support
