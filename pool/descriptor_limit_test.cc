#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

/// With few descriptors and one worker, which may come to hold them all.
class DescriptorLimitTest : public ::testing::Test {
 protected:
  /// Opens what requests there may be, and one more connection than that.
  void AskAndAwaitRefusals(const std::string& request) {
    for (int i = 0; i < 60; ++i) {
      clients_.push_back(std::make_unique<HttpClient>(server_.address()));
      ASSERT_TRUE(clients_.back()->Send(request));
    }
    EXPECT_EQ(clients_.back()->Receive().value_or(HttpAnswer{}).status, 503);
    HttpClient another(server_.address());
    EXPECT_EQ(another.Ask(Get("/?more")).value_or(HttpAnswer{}).body, "hello more\n");
    EXPECT_EQ(server_.Status()["totals"]["exits"], 0);
    EXPECT_EQ(server_.Log().find("Too many open files"), std::string::npos);
  }

  ServerProcess server_{{.workers = 1,
                         .flags = {"--max-cgi", "1000", "--cgi-queue-timeout", "3s"},
                         .before = {"sh", "-c", "ulimit -n 200; exec \"$@\"", "sh"}}};
  std::vector<std::unique_ptr<HttpClient>> clients_;
};

TEST_F(DescriptorLimitTest, ProgramsLeaveRoomForConnections) {
  AskAndAwaitRefusals(Get("/cgi-bin/slow?before=60000"));
}

TEST_F(DescriptorLimitTest, BodiesInTheMakingLeaveRoomForConnections) {
  AskAndAwaitRefusals(
      "POST /cgi-bin/echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
}

}  // namespace
}  // namespace hydrapool::support
