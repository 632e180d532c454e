#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <tuple>
#include <vector>

#include "pool/testing/faults.h"
#include "pool/testing/http_client.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

/// A client that sends its body only when it was told to continue. `abandonable`: its worker's death may cost
/// it a 502, once its bytes leave the socket.
struct Upload {
  const char* name;
  std::size_t bytes;
  bool chunked;
};

void PrintTo(const Upload& upload, std::ostream* out) { *out << upload.name; }

class ExpectContinueTest : public ::testing::TestWithParam<std::tuple<Upload, std::string>> {
 protected:
  void SetUp() override {
    if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  }
};

TEST_P(ExpectContinueTest, TheClientIsToldAndAnsweredOnce) {
  const auto& [upload, point] = GetParam();
  const ScratchDir programs;
  const std::string record = programs / "executions";
  MakeCountingPrograms(programs, {"echo"}, record);
  ServerProcess server({.cgi_dir = programs.path().string(), .failpoints = point});
  const std::string body = FloodBody(upload.bytes);
  const std::string whole = upload.chunked
                                ? ChunkedPost("/cgi-bin/echo?id=a", body, 4000, "Expect: 100-continue\r\n")
                                : Post("/cgi-bin/echo?id=a", body, "Expect: 100-continue\r\n");
  const auto head_size = whole.find("\r\n\r\n") + 4;
  {
    HttpClient client(server.address());
    ASSERT_TRUE(client.Send(whole.substr(0, head_size)));
    const auto told = client.ReceiveInterim();
    ASSERT_TRUE(told) << client.error();
    if (*told == 100) {
      ASSERT_TRUE(client.Send(whole.substr(head_size)));
    }
    const auto answer = client.Receive();
    ASSERT_TRUE(answer) << client.error();
    if (upload.chunked && answer->status == 502) {
      EXPECT_EQ(server.Total("abandoned"), 1);
      EXPECT_EQ(Executions(record)["id=a"], 0);
    } else {
      EXPECT_EQ(answer->status, 200) << answer->head;
      EXPECT_TRUE(answer->body == body);
      EXPECT_EQ(Executions(record)["id=a"], 1);
    }
    EXPECT_EQ(client.Rest(), "");
  }
  EXPECT_TRUE(server.AwaitQuiet());
  ExpectOnlyFaultsEndedWorkers(server);
  EXPECT_TRUE(server.Stop().clean());
}

// Also where nothing wants the body: of a file, of the built-in page.
TEST(ExpectTest, AClientThatWaitsIsToldWhateverAnswersIt) {
  const ScratchDir files;
  std::ofstream(files / "page") << "page";
  ServerProcess server({.cgi_dir = "", .flags = {"--mount", "/files/=files:" + files.path().string()}});
  for (const std::string path : {"/files/page", "/files/none", "/"}) {
    HttpClient client(server.address());
    ASSERT_TRUE(client.Send("GET " + path +
                            " HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"));
    EXPECT_EQ(client.ReceiveInterim(), 100) << path;
    ASSERT_TRUE(client.Send("bo"));
    ASSERT_TRUE(client.Send("dy"));
    EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).status, path == "/files/none" ? 404 : 200) << path;
    EXPECT_EQ(client.Ask(Get("/")).value_or(HttpAnswer{}).status, 200) << path;
    EXPECT_EQ(client.Rest(), "") << path;
  }
  EXPECT_TRUE(server.Stop().clean());
}

std::string NameOf(const ::testing::TestParamInfo<std::tuple<Upload, std::string>>& info) {
  std::string name = std::string(std::get<0>(info.param).name) + "_" + std::get<1>(info.param);
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

const Upload kSmall{"small", 5'000, false};
const Upload kLarge{"large", 300'000, false};
const Upload kChunked{"chunked", 50'000, true};

INSTANTIATE_TEST_SUITE_P(
    Kill, ExpectContinueTest,
    ::testing::Combine(::testing::Values(kSmall, kLarge, kChunked),
                       ::testing::Values("", "worker.claimed=kill@1", "worker.noted=kill@1",
                                         "worker.responding=kill@1", "worker.sent=kill@1",
                                         "worker.consumed=kill@1", "worker.committed=kill@1",
                                         "worker.noted=kill@2", "worker.responding=kill@2",
                                         "worker.sent=kill@2")),
    NameOf);

}  // namespace
}  // namespace hydrapool::support
