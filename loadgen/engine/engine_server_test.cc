#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "loadgen/engine/endpoint.h"
#include "loadgen/engine/tls_context.h"
#include "loadgen/plan/scenario_file.h"
#include "loadgen/report/report.h"
#include "loadgen/testing/reserved_port.h"
#include "loadgen/testing/run_plan.h"
#include "pool/sys/child.h"

namespace hydrapool::loadgen {
namespace {

constexpr sys::Nanos kUpWithin = 20 * sys::kSecond;
constexpr int kLookAgainMillis = 10;

bool Answers(const Address& address) {
  const sys::UniqueFd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(fd.get(), address.get(), address.size) == 0;
}

/// A server of somebody's own, until the end of the test.
class Server {
 public:
  Server(std::vector<std::string> command, const Address& address)
      : child_(sys::Child::Fork([&] {
          sigset_t none;
          ::sigemptyset(&none);
          ::sigprocmask(SIG_SETMASK, &none, nullptr);
          std::vector<char*> argv;
          for (auto& word : command) argv.push_back(word.data());
          argv.push_back(nullptr);
          ::execv(argv[0], argv.data());
          return 127;
        })) {
    const sys::Nanos deadline = sys::Now() + kUpWithin;
    pollfd dead{.fd = child_.pidfd(), .events = POLLIN, .revents = 0};
    while (!up_ && sys::Now() < deadline && ::poll(&dead, 1, kLookAgainMillis) == 0) up_ = Answers(address);
    EXPECT_TRUE(up_) << command.front() << " does not answer";
  }

 private:
  sys::Child child_;
  bool up_ = false;
};

Address Loopback(const std::string& port) { return ResolveHost("127.0.0.1", port).addresses.front(); }

class NginxTest : public ::testing::Test {
 protected:
  NginxTest() { std::filesystem::create_directories(directory_); }
  ~NginxTest() override { std::filesystem::remove_all(directory_); }

  void SetUp() override {
    if (::access("/usr/sbin/nginx", X_OK) != 0) GTEST_SKIP() << "no nginx here";
    const auto certificate =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-subj /CN=hydra.test -keyout " +
        directory_ + "/key -out " + directory_ + "/cert 2>/dev/null";
    ASSERT_EQ(std::system(certificate.c_str()), 0) << "openssl";
    std::ofstream(directory_ + "/conf")
        << "master_process off; daemon off; pid " << directory_ << "/pid; error_log stderr crit; user root;"
        << "worker_rlimit_nofile 20000; events { worker_connections 12000; } http { access_log off; "
        << "keepalive_requests 100000; server { listen 127.0.0.1:" << plain_.text()
        << " backlog=4096; listen unix:" << socket_
        << "; location / { return 200 hello; } } client_body_temp_path " << directory_
        << "/b; proxy_temp_path " << directory_ << "/p; fastcgi_temp_path " << directory_
        << "/f; uwsgi_temp_path " << directory_ << "/u; scgi_temp_path " << directory_
        << "/s; server { listen 127.0.0.1:" << tls_
        << " ssl http2; listen 127.0.0.1:" << without_http2_.text() << " ssl; ssl_certificate cert;"
        << "ssl_certificate_key key; ssl_session_cache shared:s:1m; ssl_client_certificate cert; "
           "ssl_verify_client optional;"
        << "location / { return 200 \"$server_protocol\\n\"; }"
        << "location /client { return 200 \"$ssl_client_verify $host\\n\"; } } }\n";
    server_.emplace(std::vector<std::string>{"/usr/sbin/nginx", "-p", directory_, "-c", directory_ + "/conf"},
                    Loopback(tls_));
  }

  RunResult Run(const std::string& url, const Extras& extras, const std::string& end,
                const std::string& connect_to = {}) {
    return RunPlan("auto", {.targets = {{.url = url}},
                            .arrivals = {.rate = 500, .count = 50},
                            .wire = {.connect_to = connect_to, .extras = extras},
                            .expect = {.end = end},
                            .connections = 4,
                            .threads = 2});
  }

  const std::string directory_ = ::testing::TempDir() + "loadgen_server." + std::to_string(::getpid());
  const std::string socket_ = directory_ + "/socket";
  const ReservedPort reserved_;
  const std::string& tls_ = reserved_.text();
  const ReservedPort plain_;
  const ReservedPort without_http2_;
  std::optional<Server> server_;
};

TEST_F(NginxTest, TlsAndHttp2) {
  const auto secure = "https://127.0.0.1:" + tls_ + "/";
  const auto tls = Run(secure, {.insecure = true}, "HTTP/1.1\n");
  EXPECT_EQ(tls.tally.outcomes.of(Outcome::kOk), 50u)
      << ToText(MakeReport("curl", {.targets = {{.url = secure}}}, tls));
  const auto http2 = Run(secure, {.http2 = true, .insecure = true}, "HTTP/2.0\n");
  EXPECT_EQ(http2.tally.outcomes.of(Outcome::kOk), 50u)
      << ToText(MakeReport("curl", {.targets = {{.url = secure}}}, http2));
  EXPECT_EQ(tls.tally.connections.http2, 0u);
  EXPECT_GT(tls.tally.connections.http1, 0u);
  EXPECT_GT(http2.tally.connections.http2, 0u);
  EXPECT_EQ(http2.tally.connections.http1, 0u);
  EXPECT_THAT(ToText(MakeReport("curl", {.targets = {{.url = secure}}}, http2)),
              ::testing::HasSubstr(" HTTP/2"));
}

TEST_F(NginxTest, AServerThatAgreesOnHttp1IsNoServerOfHttp2) {
  const auto url = "https://127.0.0.1:" + without_http2_.text() + "/";
  const auto result = Run(url, {.http2 = true, .insecure = true}, "");
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kTls), 50u);
  EXPECT_THAT(result.tally.outcomes.explanation(Outcome::kTls), ::testing::HasSubstr("application protocol"));
}

TEST_F(NginxTest, CertificatesOfOnesOwnOnBothSides) {
  const Extras extras{
      .ca = directory_ + "/cert", .certificate = directory_ + "/cert", .key = directory_ + "/key"};
  const auto result = Run("https://hydra.test/client", extras, "SUCCESS hydra.test\n", "127.0.0.1:" + tls_);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 50u)
      << ToText(MakeReport("curl", {.targets = {{.url = "u"}}}, result));
}

TEST_F(NginxTest, KeysThatCannotBeUsedAreKnownBeforeTheRun) {
  using ::testing::HasSubstr;
  const auto key = [this](const char* how) {
    const auto file = directory_ + "/other";
    EXPECT_EQ(std::system(("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 " +
                           std::string(how) + " -out " + file + " 2>/dev/null")
                              .c_str()),
              0);
    return WrongCertificates({.certificate = directory_ + "/cert", .key = file});
  };
  EXPECT_THAT(key(""), HasSubstr("--key: " + directory_ + "/other is not the key of the certificate"));
  EXPECT_THAT(key("-aes-128-cbc -pass pass:secret"), HasSubstr("/other is of no use")) << "nobody is asked";
  EXPECT_THAT(WrongCertificates({.certificate = directory_ + "/cert"}), HasSubstr("--cert without --key"));
  EXPECT_EQ(WrongCertificates({.certificate = directory_ + "/cert", .key = directory_ + "/key"}), "");
}

TEST_F(NginxTest, ACertificateNobodyVouchesForIsNoSession) {
  const auto result = Run("https://127.0.0.1:" + tls_ + "/", {}, "");
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kTls), 50u);
}

TEST_F(NginxTest, SessionsGoOverTlsToo) {
  const auto file = directory_ + "/session.yaml";
  std::ofstream(file) << "steps:\n  - request: /\n  - request: /client\n";
  const auto run = [&](const Extras& extras) {
    Plan plan{.arrivals = {.count = 20}, .wire = {.extras = extras}, .connections = 4, .threads = 2};
    EXPECT_TRUE(FillScenario(file, "https://127.0.0.1:" + tls_, {}, plan));
    return RunPlan("auto", plan);
  };
  const auto result = run({.insecure = true});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 40u);
  EXPECT_EQ(result.tally.sessions.complete, 20u);
  EXPECT_LE(result.tally.connections.opened, 4u);
  EXPECT_EQ(result.tally.connections.tls, result.tally.connections.opened);
  EXPECT_EQ(result.tally.connections.http1, result.tally.connections.opened);
  EXPECT_GT(result.tally.phases[1].max(), 0);
  EXPECT_EQ(run({}).tally.outcomes.of(Outcome::kTls), 20u) << "nobody vouches for it";
  Plan resumed{.arrivals = {.count = 20},
               .wire = {.reuse = 1, .extras = {.insecure = true, .resume = true}},
               .connections = 1,
               .threads = 1};
  EXPECT_TRUE(FillScenario(file, "https://127.0.0.1:" + tls_, {}, resumed));
  EXPECT_GT(RunPlan("auto", resumed).tally.connections.resumed, 0u);
}

TEST_F(NginxTest, BothEnginesConnectWhereThePlanSays) {
  for (const auto* engine : {"raw", "curl"}) {
    const auto result = RunPlan(engine, {.targets = {{.url = "http://hydra.test/"}},
                                         .arrivals = {.count = 20},
                                         .wire = {.connect_to = "127.0.0.1:" + plain_.text()},
                                         .connections = 2});
    EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 20u) << engine;
  }
}

TEST_F(NginxTest, EachConnectionMakesAFullHandshakeUnlessSessionsAreToBeResumed) {
  for (const bool http2 : {false, true}) {
    for (const bool resume : {false, true}) {
      const Extras extras{.http2 = http2, .insecure = true, .resume = resume};
      const auto result = RunPlan("auto", {.targets = {{.url = "https://127.0.0.1:" + tls_ + "/"}},
                                           .arrivals = {.count = 20},
                                           .wire = {.keep_alive = false, .extras = extras},
                                           .connections = 1});
      const auto& connections = result.tally.connections;
      EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 20u);
      EXPECT_EQ(connections.tls, 20u);
      EXPECT_EQ(http2 ? connections.http2 : connections.http1, 20u);
      EXPECT_EQ(connections.resumed, resume ? 19u : 0u) << (http2 ? "HTTP/2" : "HTTP/1.1");
    }
  }
}

TEST_F(NginxTest, ASessionIsOfItsHostOnly) {
  for (const bool http2 : {false, true}) {
    const Extras extras{.http2 = http2, .resume = true, .ca = directory_ + "/cert"};
    const auto result =
        RunPlan("auto", {.targets = {{.url = "https://hydra.test/"}, {.url = "https://other.test/"}},
                         .arrivals = {.count = 20},
                         .wire = {.keep_alive = false, .connect_to = "127.0.0.1:" + tls_, .extras = extras},
                         .connections = 1});
    EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 10u);
    EXPECT_EQ(result.tally.outcomes.of(Outcome::kTls), 10u) << "the certificate names another";
  }
}

TEST_F(NginxTest, BothEnginesKeepConnectionsToUnixSockets) {
  for (const bool keep_alive : {true, false}) {
    for (const auto* engine : {"raw", "curl"}) {
      const auto result = RunPlan(engine, {.targets = {{.url = "http://localhost/"}},
                                           .arrivals = {.count = 2000},
                                           .wire = {.keep_alive = keep_alive, .unix_socket = socket_},
                                           .connections = 8,
                                           .threads = 2});
      EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 2000u) << engine;
      if (keep_alive) {
        EXPECT_LE(result.tally.connections.opened, 8u) << engine;
      } else {
        EXPECT_EQ(result.tally.connections.opened, 2000u) << engine;
      }
    }
  }
}

TEST_F(NginxTest, TenThousandConnectionsOnOneThread) {
  constexpr int kConnections = 10'000;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < kConnections + 200) GTEST_SKIP() << "only " << limit.rlim_cur << " file descriptors";
  const auto result = RunPlan("raw", {.targets = {{.url = "http://127.0.0.1:" + plain_.text() + "/"}},
                                      .arrivals = {.count = 3 * kConnections},
                                      .wire = {.timeout = 60 * sys::kSecond},
                                      .connections = kConnections,
                                      .threads = 1});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 30'000u)
      << ToText(MakeReport("raw", {.targets = {{.url = "u"}}}, result));
}

}  // namespace
}  // namespace hydrapool::loadgen
