#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "pool/admin/client.h"
#include "pool/sys/kill.h"
#include "pool/sys/socket.h"
#include "pool/testing/command.h"
#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/scratch.h"
#include "pool/testing/server_process.h"

// What one client may hold, and for how long.
namespace hydrapool::support {
namespace {

/// A connection from another of this machine's addresses. True: it is answered.
bool AnsweredFrom(const char* host, const std::string& address) {
  const sys::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in from{};
  from.sin_family = AF_INET;
  ::inet_pton(AF_INET, host, &from.sin_addr);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from), 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  ::inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoul(sys::SplitHostPort(address)->port)));
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  const std::string request = Get("/");
  ::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
  char answer[12];
  return Readable(fd.get(), std::chrono::seconds(15)) &&
         ::recv(fd.get(), answer, sizeof answer, 0) == sizeof answer;
}

/// hydrapool_limit_hits_total of one limit.
std::uint64_t Hits(const ServerProcess& server, const std::string& limit) {
  const auto page = admin::HttpGet("http://" + server.admin() + "/metrics", std::chrono::seconds(5));
  const std::string name = "hydrapool_limit_hits_total{limit=\"" + limit + "\"} ";
  const auto at = page ? page->body.find(name) : std::string::npos;
  EXPECT_NE(at, std::string::npos) << limit;
  return at == std::string::npos ? 0 : std::stoull(page->body.substr(at + name.size()));
}

TEST(LimitsTest, OneAddressHasNoMoreThanItsConnectionsAndOthersAreServed) {
  ServerProcess server({.flags = {"--max-per-address", "50"}, .supervised = true});
  std::vector<std::unique_ptr<HttpClient>> clients;
  int answered = 0;
  for (int i = 0; i < 300; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server.address()));
    if (clients.back()->Ask(Get("/"))) ++answered;
  }
  EXPECT_EQ(answered, 50);
  EXPECT_EQ(server.Total("address_refused"), 250u);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(AnsweredFrom("127.0.0.2", server.address()));
  sys::Kill(server.Status().at("parent").at("pid").get<pid_t>(), SIGKILL);
  EXPECT_FALSE(HttpClient(server.address()).Ask(Get("/"))) << "the next parent knows who has how many";
  for (int i = 0; i < 10; ++i) clients[static_cast<std::size_t>(i)].reset();
  EXPECT_TRUE(Eventually([&] { return HttpClient(server.address()).Ask(Get("/")).has_value(); }));
  EXPECT_TRUE(AnsweredFrom("127.0.0.2", server.address()));
  EXPECT_EQ(server.Total("lost"), 0u);
}

TEST(LimitsTest, HalfARequestAndAnIdleConnectionEndInTheTimeThatIsSaid) {
  ServerProcess server({.flags = {"--head-timeout", "200ms", "--keep-alive-timeout", "300ms"}});
  HttpClient half(server.address());
  ASSERT_TRUE(half.Send("GET / HTTP/1.1\r\nHost: h\r\n"));
  const auto refusal = half.Receive();
  ASSERT_TRUE(refusal) << half.error();
  EXPECT_EQ(refusal->status, 408);
  HttpClient idle(server.address());
  ASSERT_TRUE(idle.Ask(Get("/")));
  EXPECT_EQ(idle.Rest(false), "");
  EXPECT_EQ(Hits(server, "head_time"), 1u);
  EXPECT_EQ(Hits(server, "idle"), 1u);
  EXPECT_TRUE(server.Stop().clean());
}

TEST(LimitsTest, AConnectionHasNoMoreThanItsRequestsAlsoOverItsWorkersDeaths) {
  ServerProcess server({.flags = {"--max-requests-per-connection", "3"}});
  HttpClient client(server.address());
  for (int i = 0; i < 2; ++i) {
    const auto answer = client.Ask(Get("/"));
    ASSERT_TRUE(answer) << client.error();
    EXPECT_TRUE(answer->keeps_open());
    for (const pid_t worker : server.Workers()) server.SignalWorker(worker, SIGKILL);
    ASSERT_TRUE(server.AwaitQuiet());
  }
  const auto last = client.Ask(Get("/cgi-bin/hello"));
  ASSERT_TRUE(last) << client.error();
  EXPECT_FALSE(last->keeps_open());
  EXPECT_EQ(client.Rest(), "");
  HttpClient pipelined(server.address());
  ASSERT_TRUE(pipelined.Send(Get("/?1") + Get("/?2") + Get("/?3") + Get("/?4")));
  for (int i = 1; i <= 3; ++i) {
    const auto answer = pipelined.Receive();
    ASSERT_TRUE(answer) << pipelined.error();
    EXPECT_EQ(answer->keeps_open(), i < 3);
  }
  EXPECT_EQ(pipelined.Rest(), "");
  EXPECT_EQ(Hits(server, "requests"), 2u);
}

TEST(LimitsTest, RequestsThatAreAnsweredTogetherCountOverTheDeathOfTheirWorkerToo) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  ServerProcess server(
      {.flags = {"--max-requests-per-connection", "5"}, .failpoints = "worker.responding=kill@1"});
  HttpClient client(server.address());
  ASSERT_TRUE(client.Send(Get("/?1") + Get("/?2") + Get("/?3")));
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(client.Receive()) << client.error();
  EXPECT_EQ(server.Total("exits"), 1u);
  const auto fourth = client.Ask(Get("/"));
  ASSERT_TRUE(fourth) << client.error();
  EXPECT_TRUE(fourth->keeps_open());
  const auto last = client.Ask(Get("/"));
  ASSERT_TRUE(last) << client.error();
  EXPECT_FALSE(last->keeps_open());
}

TEST(LimitsTest, HeadsAndBodiesThatAreTooLargeOrTooSlowAreCounted) {
  ServerProcess server({.flags = {"--max-body", "1000", "--cgi-timeout", "1s", "--min-body-rate", "100"}});
  EXPECT_EQ(HttpClient(server.address()).Ask(Get("/" + std::string(9000, 'x')))->status, 414);
  EXPECT_EQ(HttpClient(server.address()).Ask(Get("/", "X: " + std::string(20'000, 'x') + "\r\n"))->status,
            431);
  EXPECT_EQ(Hits(server, "head_size"), 2u);
  const std::string path = "/cgi-bin/echo";
  EXPECT_EQ(HttpClient(server.address()).Ask(Post(path, std::string(1001, 'x')))->status, 413);
  EXPECT_EQ(HttpClient(server.address()).Ask(ChunkedPost(path, std::string(1001, 'x'), 500))->status, 413);
  EXPECT_EQ(Hits(server, "body_size"), 2u);
  HttpClient slow(server.address());
  ASSERT_TRUE(
      slow.Send("POST " + path + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"));
  const auto refusal = slow.Receive();
  ASSERT_TRUE(refusal) << slow.error();
  EXPECT_EQ(refusal->status, 408);
  EXPECT_EQ(Hits(server, "body_rate"), 1u);
}

TEST(LimitsTest, ARefusalBehindOthersInAPipelineIsCountedOnce) {
  ServerProcess server({.flags = {"--max-body", "1000", "--access-log", "off"}});
  const std::string large(1001, 'x');
  for (const std::string& refused : {Post("/cgi-bin/echo", large), Get("/" + std::string(9000, 'x'))}) {
    HttpClient client(server.address());
    ASSERT_TRUE(client.Send(Get("/?1") + Get("/?2") + refused));
    for (int i = 0; i < 2; ++i) EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).status, 200);
    EXPECT_GE(client.Receive().value_or(HttpAnswer{}).status, 413);
  }
  EXPECT_EQ(Hits(server, "body_size"), 1u);
  EXPECT_EQ(Hits(server, "head_size"), 1u);
}

TEST(LimitsTest, AReaderThatNeverReadsIsCutOffInTheTimeThatIsSaid) {
  const ScratchDir files;
  std::ofstream(files / "large") << std::string(std::size_t{64} << 20, 'x');
  ServerProcess server(
      {.flags = {"--write-timeout", "300ms", "--mount", "/=files:" + files.path().string()}});
  const HttpClient client(server.address());
  ASSERT_TRUE(client.Send(Get("/large")));
  EXPECT_TRUE(server.AwaitTotal("cut", 1));
  EXPECT_TRUE(server.Await([](const auto& status) { return status.at("leases").at("open") == 0; }));
  EXPECT_EQ(Hits(server, "write_time"), 1u);
}

}  // namespace
}  // namespace hydrapool::support
