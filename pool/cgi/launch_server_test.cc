// A launcher, as whoever owns a worker can talk to it.
#include "pool/cgi/launch_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "pool/cgi/body_file.h"
#include "pool/cgi/launch_order.h"
#include "pool/sys/await.h"
#include "pool/sys/child.h"
#include "pool/sys/lifeline.h"
#include "pool/sys/scratch_dir.h"
#include "pool/testing/server_process.h"

namespace hydrapool::cgi {
namespace {

class LaunchServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Program("own", "#!/bin/sh\necho \"$PATH_INFO|$LD_PRELOAD|$HTTP_LD_PRELOAD|$OWN|$REMOTE_USER\"\n");
    Program("others", "#!/bin/sh\necho others\n");
    Program("stays", "#!/bin/sh\necho $$\nexec sleep 60\n");
    config_.server.extra = {"OWN=configured"};
    config_.max_processes = 3;
    for (const char* rule : {"/cgi-bin/own=user:me", "/cgi-bin/stays=user:me", "/cgi-bin/others=user:else"})
      config_.rules.push_back(*ProgramRule::Parse(rule));
    auto [ours, theirs] = sys::MakeChannel();
    channel_ = std::move(ours);
    launcher_ = sys::Child::Fork([this, &end = theirs]() -> int {
      line_.CloseUpper();
      channel_.Close();
      const Mounts mounts({{Mount::Kind::kPrograms, "/cgi-bin/", scratch_.path()}}, {});
      LaunchServer("me", std::move(end), config_, mounts,
                   {.table = table_, .life = life_[0], .bell = bell_[0], .lifeline = line_.PathOfLower()},
                   life_[0].launchers[1])
          .Run();
    });
  }

  void Program(const std::string& name, const std::string& text) const {
    std::ofstream(scratch_ / name) << text;
    ::chmod((scratch_ / name).c_str(), 0755);
  }
  static std::string OrderFor(const std::string& head) {
    return "192.0.2.1\n1\n192.0.2.2\n80\nhttp\nid\n1\njoe\n\n\n" + head;
  }
  static std::string HeadFor(const std::string& path) {
    return "GET " + path + " HTTP/1.1\r\nHost: a\r\nLD_PRELOAD: x\r\nLD-PRELOAD: /evil.so\r\n\r\n";
  }
  /// What a worker does before it gives the order.
  void Prepare() {
    place_ = table_.places().Claim(kClaimant, 4);
    table_.detail(kSlot).process = ProcessWord{ProcessWord::State::kPreparing, ::getpid()}.Pack();
  }
  struct Said {
    int error = -1;  // none
    std::string output;
  };
  Said Order(const std::string& text, ToLauncher message) {
    std::array<int, 2> output;
    std::array<int, 2> reply;
    EXPECT_EQ(::pipe2(output.data(), O_CLOEXEC) | ::pipe2(reply.data(), O_CLOEXEC), 0);
    const sys::UniqueFd out(output[0]);
    const sys::UniqueFd word(reply[0]);
    sys::UniqueFd order = MemoryFile();
    EXPECT_TRUE(WriteAt(order.get(), text, 0));
    const sys::UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    channel_.Send(std::as_bytes(std::span(&message, 1)),
                  std::array{nothing.get(), output[1], nothing.get(), reply[1], order.get()});
    ::close(output[1]);
    ::close(reply[1]);
    Said said;
    EXPECT_TRUE(sys::Await(word.get(), POLLIN, std::chrono::seconds(20)));
    if (::read(word.get(), &said.error, sizeof said.error) != sizeof said.error) said.error = -1;
    std::array<char, 512> text_out;
    if (said.error == 0 && sys::Await(out.get(), POLLIN, std::chrono::seconds(20))) {
      const ssize_t count = ::read(out.get(), text_out.data(), text_out.size());
      said.output.assign(text_out.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }
    return said;
  }
  Said OrderPath(const std::string& path) {
    Prepare();
    return Order(OrderFor(HeadFor(path)), kStart);
  }

  static constexpr std::uint32_t kSlot = 2;
  static constexpr std::uint32_t kClaimant = 2;
  const ToLauncher kStart{.slot = kSlot, .claimant = kClaimant, .preparer = ::getpid()};
  sys::ScratchDir scratch_{"launch_server_test"};
  Config config_;
  LeaseTable table_{4};
  sys::SharedArray<PoolLife> life_{1};
  sys::SharedArray<Doorbell> bell_{1};
  sys::Lifeline line_;
  sys::Channel channel_;
  ProcessPlaces::Place* place_ = nullptr;
  sys::Child launcher_;
};

TEST_F(LaunchServerTest, StartsWhatItsOwnConfigurationSaysOfARequest) {
  const Said said = OrderPath("/cgi-bin/own/more");
  EXPECT_EQ(said.error, 0);
  EXPECT_EQ(said.output, "/more||/evil.so|configured|joe\n");
  EXPECT_TRUE(table_.detail(kSlot).LoadProcess().answers());
  EXPECT_FALSE(table_.places().Holds(kClaimant)) << "it is the program's";
}

TEST_F(LaunchServerTest, StartsNothingElse) {
  EXPECT_EQ(OrderPath("/cgi-bin/others").error, EPERM) << "another user's";
  EXPECT_EQ(OrderPath("/cgi-bin/own/../others").error, EACCES);
  EXPECT_EQ(OrderPath("/cgi-bin/none").error, ENOENT);
  EXPECT_EQ(OrderPath("/bin/sh").error, ENOENT);
  EXPECT_EQ(OrderPath("/cgi-bin/../../../bin/sh").error, EACCES);
  EXPECT_EQ(OrderPath("/cgi-bin/").error, EACCES);
  for (const std::string& text : {std::string(), std::string("garbage"), std::string(200'000, '\n'),
                                  OrderFor("GET /cgi-bin/own HTTP/1.1\r\n"), OrderFor("\0\xff"),
                                  "a\nx\nb\n80\nhttp\nid\n0\n\n\n\n" + HeadFor("/cgi-bin/own")})
    EXPECT_EQ(Order(text, kStart).error, EINVAL) << text.substr(0, 20);
  EXPECT_FALSE(table_.detail(kSlot).LoadProcess().answers());
  EXPECT_EQ(OrderPath("/cgi-bin/own").error, 0) << "and goes on";
}

TEST_F(LaunchServerTest, RunsNothingWithoutItsLeasesGate) {
  EXPECT_EQ(Order(OrderFor(HeadFor("/cgi-bin/own")), kStart).error, ESTALE) << "no place";
  Prepare();
  table_.detail(kSlot).process = 0;
  EXPECT_EQ(Order(OrderFor(HeadFor("/cgi-bin/own")), kStart).error, ESTALE) << "its worker has died";
  ToLauncher beyond = kStart;
  beyond.slot = 4;
  EXPECT_EQ(Order(OrderFor(HeadFor("/cgi-bin/own")), beyond).error, EINVAL);
}

TEST_F(LaunchServerTest, TakesAHeadThatHasGrownOnItsWay) {
  std::string head = "GET /cgi-bin/own HTTP/1.1\r\nHost:a\r\n";
  for (int i = 0; i < 80; ++i) head += fmt::format("X-{}:{}\r\n", i, std::string(180, 'x'));
  head += "Y:" + std::string(config_.heads.max_head - head.size() - 6, 'y') + "\r\n\r\n";
  http::RequestParser parser(config_.heads);
  const auto parsed = parser.Parse(head);
  ASSERT_TRUE(std::holds_alternative<const http::Request*>(parsed));
  Prepare();
  const std::string order =
      LaunchOrder::Write(*std::get<const http::Request*>(parsed), {.remote_address = "192.0.2.1"});
  EXPECT_EQ(Order(order, kStart).error, 0);
}

TEST_F(LaunchServerTest, IgnoresWhatIsNoMessage) {
  channel_.Send({}, {});
  const std::array<std::byte, 3> few{};
  channel_.Send(few, {});
  const sys::UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  channel_.Send(std::as_bytes(std::span(&kStart, 1)), std::array{nothing.get()});
  EXPECT_EQ(OrderPath("/cgi-bin/own").error, 0);
}

TEST_F(LaunchServerTest, StartsNoMoreThanTheServerMay) {
  for (std::uint32_t i = 0; i <= config_.max_processes; ++i) ASSERT_EQ(OrderPath("/cgi-bin/stays").error, 0);
  EXPECT_EQ(OrderPath("/cgi-bin/stays").error, EAGAIN);
}

TEST_F(LaunchServerTest, SignalsOnlyWhatItHasStarted) {
  sys::Child other = sys::Child::Fork([] {
    ::pause();
    return 0;
  });
  const Said said = OrderPath("/cgi-bin/stays");
  ASSERT_EQ(said.error, 0);
  const auto pid = static_cast<pid_t>(std::stoi(said.output));
  for (const ToLauncher& message :
       {ToLauncher{.kind = ToLauncher::Kind::kSignal, .pid = other.pid(), .signal = SIGKILL},
        ToLauncher{.kind = ToLauncher::Kind::kSignal, .pid = -1, .signal = SIGKILL},
        ToLauncher{.kind = ToLauncher::Kind::kSignal, .pid = pid, .signal = SIGTERM}})
    channel_.Send(std::as_bytes(std::span(&message, 1)), {});
  ObituaryRing& ring = life_[0].launchers[1].obituaries;
  ASSERT_TRUE(support::Eventually([&ring] { return static_cast<bool>(ring.Front()); }));
  EXPECT_EQ(ring.Front()->pid, pid);
  EXPECT_EQ(ring.Front()->status.signal, SIGTERM);
  EXPECT_FALSE(other.IsDead());
  EXPECT_FALSE(launcher_.IsDead());
}

TEST(LaunchKeeperTest, AForkThatFailsIsTriedAgain) {
  int forks = 0;
  int pauses = 0;
  const auto fork = [&forks] { return ++forks < 4 ? -1 : 4242; };
  EXPECT_EQ(ForkInTheEnd("me", fork, [&pauses] { ++pauses; }), 4242);
  EXPECT_EQ(pauses, 3);
  EXPECT_EQ(ForkInTheEnd(
                "me", [] { return 0; }, [&pauses] { ++pauses; }),
            0)
      << "the child";
  EXPECT_EQ(pauses, 3);
}

TEST(LaunchOrderTest, SaysTheSameRequestAgain) {
  http::RequestParser parser;
  const std::string head =
      "POST /a?b HTTP/1.0\r\nHost: h:81\r\nCookie: c\r\nContent-Length: 5\r\nX: y\r\n\r\n";
  const auto parsed = parser.Parse(head);
  const http::Request& request = *std::get<const http::Request*>(parsed);
  const ClientFacts facts{.remote_address = "192.0.2.9",
                          .remote_port = 4711,
                          .server_address = "::1",
                          .server_port = 443,
                          .user = "joe",
                          .request_id = "id\r\nHost: evil",
                          .scheme = "https",
                          .body_length = 77};
  const auto order = LaunchOrder::Read(LaunchOrder::Write(request, facts));
  ASSERT_TRUE(order);
  EXPECT_EQ(order->client.remote_port, 4711);
  EXPECT_EQ(order->client.user, "joe");
  EXPECT_EQ(order->client.request_id, "id");
  EXPECT_EQ(order->client.body_length, 77u);
  EXPECT_EQ(order->client.scheme, "https");
  EXPECT_EQ(order->host, "h:81");
  http::RequestParser again;
  const auto read = again.Parse(order->head);
  const http::Request& same = *std::get<const http::Request*>(read);
  EXPECT_EQ(same.method, "POST");
  EXPECT_EQ(same.target, "/a?b");
  EXPECT_EQ(same.minor_version, 0);
  EXPECT_EQ(same.content_length, 5u);
  EXPECT_EQ(same.Find("Cookie"), "c");
  EXPECT_EQ(same.fields.size(), 4u);
}

}  // namespace
}  // namespace hydrapool::cgi
