#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

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
  ::kill(server.Status().at("parent").at("pid").get<pid_t>(), SIGKILL);
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
  EXPECT_TRUE(server.Stop().clean());
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
}

}  // namespace
}  // namespace hydrapool::support
