// A client that marks a byte as urgent (MSG_OOB), at every place of pipelined requests.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "pool/testing/http_client.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

constexpr std::size_t kRequests = 3;

struct Pipeline {
  std::string bytes;
  std::vector<std::size_t> begins;
};

Pipeline MakePipeline() {
  Pipeline pipeline;
  for (std::size_t i = 0; i < kRequests; ++i) {
    pipeline.begins.push_back(pipeline.bytes.size());
    pipeline.bytes += Get(fmt::format("/?{}", i));
  }
  return pipeline;
}

void SendWithUrgent(const HttpClient& client, std::string_view bytes, std::size_t urgent) {
  ASSERT_EQ(::send(client.fd(), bytes.data(), urgent + 1, MSG_OOB | MSG_NOSIGNAL),
            static_cast<ssize_t>(urgent + 1));
  ASSERT_TRUE(client.Send(bytes.substr(urgent + 1)));
}

// It is a byte like any other: where nothing of its request stands before it the request is answered, and
// else refused at once, after the answers of those before it.
void ExpectAnswers(const ServerProcess& server, const Pipeline& pipeline, std::size_t urgent) {
  HttpClient client(server.address());
  SendWithUrgent(client, pipeline.bytes, urgent);
  for (std::size_t i = 0; i < kRequests; ++i) {
    const auto answer = client.Receive();
    ASSERT_TRUE(answer) << "urgent byte " << urgent << ": " << client.error();
    const std::size_t end = i + 1 < kRequests ? pipeline.begins[i + 1] : pipeline.bytes.size();
    if (urgent > pipeline.begins[i] && urgent < end) {
      EXPECT_EQ(answer->status, 400) << urgent;
      EXPECT_EQ(client.Rest(), "") << urgent;
      return;
    }
    EXPECT_EQ(answer->body, fmt::format("hello {}\n", i)) << urgent;
  }
  EXPECT_EQ(client.Rest(), "") << urgent;
}

TEST(UrgentByteTest, IsAByteLikeAnyOtherOrItsRequestIsRefused) {
  const ServerProcess server;
  const Pipeline pipeline = MakePipeline();
  for (std::size_t urgent = 0; urgent < pipeline.bytes.size(); ++urgent)
    ExpectAnswers(server, pipeline, urgent);
  EXPECT_EQ(server.Total("exits"), 0u);
}

TEST(UrgentByteTest, AlsoWhereWorkersDie) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  const Pipeline pipeline = MakePipeline();
  for (const std::string point : {"worker.peeked", "worker.sent", "worker.consumed"}) {
    const ServerProcess server({.failpoints = point + "=kill@2%3"});
    for (std::size_t urgent = 0; urgent < pipeline.bytes.size(); urgent += 5)
      ExpectAnswers(server, pipeline, urgent);
    EXPECT_GT(server.Total("exits"), 0u) << point;
    EXPECT_EQ(server.Total("lost") + server.Total("cut") + server.Total("abandoned"), 0u) << point;
  }
}

TEST(UrgentByteTest, InAnUploadEndsItAndItsProgram) {
  const ServerProcess server;
  const std::string upload = Post("/cgi-bin/echo", FloodBody(300'000));
  HttpClient client(server.address());
  ASSERT_TRUE(client.Send(std::string_view(upload).substr(0, 100'000)));
  ASSERT_EQ(::send(client.fd(), upload.data() + 100'000, 1, MSG_OOB | MSG_NOSIGNAL), 1);
  client.Receive();
  EXPECT_TRUE(Eventually([&] { return server.Programs().empty(); }));
  HttpClient other(server.address());
  EXPECT_EQ(other.Ask(Get("/?other")).value_or(HttpAnswer{}).body, "hello other\n");
}

TEST(UrgentByteTest, InAChunkedBodyIsAByteLikeAnyOther) {
  const ServerProcess server;
  const std::string body = FloodBody(10'000);
  const std::string request = ChunkedPost("/cgi-bin/echo", body, 1'000);
  HttpClient client(server.address());
  SendWithUrgent(client, request, 5'000);
  const auto answer = client.Receive();
  ASSERT_TRUE(answer) << client.error();
  EXPECT_EQ(answer->status, 200);
  EXPECT_TRUE(answer->body == body);
}

}  // namespace
}  // namespace hydrapool::support
