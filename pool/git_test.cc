#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "pool/sys/clock.h"
#include "pool/sys/socket.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

namespace fs = std::filesystem;

/// nginx in front of a server, as it comes: it speaks HTTP/1.0 and takes bodies whole before it passes them
/// on. Only its limit of 1 MB for a body is off.
class Nginx {
 public:
  explicit Nginx(const std::string& upstream) {
    for (int tries = 0; tries < 10 && !serves_; ++tries) {  // somebody may be faster to take the port
      address_ = sys::LocalAddress(sys::Listen("127.0.0.1:0").get());
      std::ofstream(directory_ / "conf") << fmt::format(
          "daemon off; pid {0}/pid; error_log {0}/log crit; {1} events {{ }}\n"
          "http {{ access_log off; client_max_body_size 0; client_body_temp_path {0}/body; "
          "proxy_temp_path {0}/proxy; server {{ listen {2}; location / {{ proxy_pass http://{3}; }} }} }}\n",
          directory_.path().string(), ::geteuid() == 0 ? "user root;" : "", address_, upstream);
      nginx_ = std::make_unique<Command>(
          std::vector<std::string>{"nginx", "-p", directory_.path().string(), "-c", directory_ / "conf"});
      const auto answers = [&] { return sys::Connect(address_, std::chrono::seconds(1)).has_value(); };
      serves_ = Eventually([&] { return nginx_->Ended() || answers(); }) && !nginx_->Ended();
    }
  }
  ~Nginx() {
    nginx_->Signal(SIGTERM);
    nginx_->Wait(std::chrono::seconds(10));
  }
  [[nodiscard]] bool serves() const { return serves_; }
  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  ScratchDir directory_;
  std::string address_;
  std::unique_ptr<Command> nginx_;
  bool serves_ = false;
};

/// A bare repository behind `git http-backend`, and clones of it.
class GitTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!RunProgram({"git", "--version"}).ok()) GTEST_SKIP() << "git is not installed";
    ASSERT_TRUE(Git({"init", "--quiet", "--bare", "-b", "main", scratch_ / "repos/site.git"}).ok());
    ASSERT_TRUE(Git({"-C", scratch_ / "repos/site.git", "config", "http.receivepack", "true"}).ok());
    ASSERT_TRUE(Git({"init", "--quiet", "-b", "main", scratch_ / "origin"}).ok());
    server_ = std::make_unique<ServerProcess>(
        ServerOptions{.workers = 4,
                      .flags = {"--cgi-env", "GIT_PROJECT_ROOT=" + (scratch_ / "repos"), "--cgi-env",
                                "GIT_HTTP_EXPORT_ALL=1"}});
    Commit("origin", "small", 100);
    ASSERT_TRUE(Git({"-C", scratch_ / "origin", "remote", "add", "origin", Url()}).ok());
  }
  void TearDown() override { EXPECT_TRUE(!server_ || server_->Stop().clean()); }

  [[nodiscard]] std::string Url() const { return UrlAt(server_->address()); }
  [[nodiscard]] static std::string UrlAt(const std::string& address) {
    return fmt::format("http://{}/cgi-bin/git/site.git", address);
  }
  static Finished Git(std::vector<std::string> arguments) {
    const std::vector<std::string> base{
        "git",       "-c", "user.name=test",        "-c", "user.email=test@localhost", "-c",
        "gc.auto=0", "-c", "maintenance.auto=false"};
    arguments.insert(arguments.begin(), base.begin(), base.end());
    return RunProgram(
        arguments,
        {{"GIT_TERMINAL_PROMPT", "0"}, {"GIT_CONFIG_GLOBAL", "/dev/null"}, {"GIT_CONFIG_NOSYSTEM", "1"}},
        std::chrono::seconds(60));
  }
  /// Bytes that do not compress, from the name as a seed.
  void Commit(const std::string& clone, const std::string& name, std::size_t bytes) const {
    std::seed_seq seed(name.begin(), name.end());
    std::mt19937_64 random(seed);
    std::ofstream file(scratch_ / (clone + "/" + name), std::ios::binary);
    for (std::size_t at = 0; at < bytes; at += 8) {
      const auto word = random();
      file.write(reinterpret_cast<const char*>(&word), 8);
    }
    file.close();
    ASSERT_TRUE(Git({"-C", scratch_ / clone, "add", "."}).ok());
    ASSERT_TRUE(Git({"-C", scratch_ / clone, "commit", "--quiet", "-m", name}).ok());
  }
  [[nodiscard]] std::string Head(const std::string& where, const std::string& ref) const {
    const Finished finished = Git({"-C", scratch_ / where, "rev-parse", "--verify", "--quiet", ref});
    return finished.ok() ? finished.output : "";
  }
  [[nodiscard]] bool Whole(const std::string& where) const {
    return Git({"-C", scratch_ / where, "fsck", "--full", "--strict"}).ok();
  }

  ScratchDir scratch_;
  std::unique_ptr<ServerProcess> server_;
};

TEST_F(GitTest, PushesClonesAndFetches) {
  EXPECT_TRUE(Git({"-C", scratch_ / "origin", "push", "--quiet", "origin", "main"}).ok());
  EXPECT_TRUE(Git({"clone", "--quiet", Url(), scratch_ / "first"}).ok());
  EXPECT_EQ(Head("first", "HEAD"), Head("origin", "HEAD"));
  Commit("origin", "large", 3'000'000);  // past http.postBuffer: sent in chunks
  const Finished push = Git({"-C", scratch_ / "origin", "push", "--quiet", "origin", "main"});
  EXPECT_TRUE(push.ok()) << push.output;
  EXPECT_TRUE(Git({"-C", scratch_ / "first", "fetch", "--quiet"}).ok());
  EXPECT_EQ(Head("first", "origin/main"), Head("origin", "HEAD"));
  EXPECT_TRUE(Git({"clone", "--quiet", Url(), scratch_ / "second"}).ok());
  for (const std::string where : {"first", "second", "repos/site.git"}) EXPECT_TRUE(Whole(where)) << where;
}

TEST_F(GitTest, ThroughNginxAsItComesAPushAndACloneAreWhole) {
  if (!RunProgram({"nginx", "-v"}).ok()) GTEST_SKIP() << "nginx is not installed";
  const Nginx nginx(server_->address());
  ASSERT_TRUE(nginx.serves());
  Commit("origin", "large", 9'000'000);  // more than any buffer in between holds
  const Finished push = Git({"-C", scratch_ / "origin", "push", "--quiet", UrlAt(nginx.address()), "main"});
  ASSERT_TRUE(push.ok()) << push.output;
  EXPECT_EQ(Head("repos/site.git", "main"), Head("origin", "HEAD"));
  const Finished clone = Git({"clone", "--quiet", UrlAt(nginx.address()), scratch_ / "through"});
  ASSERT_TRUE(clone.ok()) << clone.output;
  EXPECT_EQ(Head("through", "HEAD"), Head("origin", "HEAD"));
  for (const std::string where : {"through", "repos/site.git"}) EXPECT_TRUE(Whole(where)) << where;
}

TEST_F(GitTest, UnderKillsEachOperationIsWholeOrVisiblyFailed) {
  Commit("origin", "large", 2'000'000);
  ASSERT_TRUE(Git({"-C", scratch_ / "origin", "push", "--quiet", "origin", "main"}).ok());
  Command inject(Harness({"inject", "--parent", std::to_string(server_->pid()), "--admin", server_->admin(),
                          "--every", "100ms", "--for", "60s", "--seed", "3"}));
  int clones = 0, failed_clones = 0, pushes = 0, failed_pushes = 0;
  std::string why;
  for (const sys::Nanos end = sys::Now() + 9 * sys::kSecond; sys::Now() < end; ++clones) {
    const std::string clone = fmt::format("clone-{}", clones);
    if (const Finished finished = Git({"clone", "--quiet", Url(), scratch_ / clone}); finished.ok()) {
      EXPECT_TRUE(Whole(clone));
      EXPECT_EQ(Head(clone, "HEAD"), Head("origin", "HEAD"));
    } else {
      EXPECT_TRUE(finished.in_time);
      ++failed_clones;
      why += finished.output;
    }
    fs::remove_all(scratch_ / clone);
    const std::string branch = fmt::format("refs/heads/branch-{}", pushes);
    const bool large = pushes % 2 == 1;
    Commit("origin", fmt::format("file-{}", pushes), large ? 1'500'000 : 1'000);
    const Finished push =
        Git({"-C", scratch_ / "origin", "push", "--quiet", "origin", "HEAD:" + branch, "HEAD:main"});
    const std::string arrived = Head("repos/site.git", branch);
    if (push.ok()) {
      EXPECT_EQ(arrived, Head("origin", "HEAD"));
    } else {
      EXPECT_TRUE(push.in_time);
      EXPECT_TRUE(arrived.empty() || arrived == Head("origin", "HEAD"));
      why += push.output;
      ++failed_pushes;
      ASSERT_TRUE(Git({"-C", scratch_ / "origin", "reset", "--quiet", "--hard", "HEAD~1"}).ok());
      if (!arrived.empty()) {
        ASSERT_TRUE(
            Git({"-C", scratch_ / "origin", "reset", "--quiet", "--hard", arrived.substr(0, 40)}).ok());
      }
    }
    ++pushes;
  }
  inject.Signal(SIGINT);
  EXPECT_TRUE(inject.Wait(std::chrono::seconds(10)).ok());
  const auto totals = server_->Status().at("totals");
  fmt::print("{} clones, {} failed; {} pushes, {} failed; {} cut, {} abandoned, {} kills\n{}", clones,
             failed_clones, pushes, failed_pushes, totals.at("cut").dump(), totals.at("abandoned").dump(),
             totals.at("exits").dump(), why);
  EXPECT_GE(totals.at("exits"), 50);
  EXPECT_EQ(failed_clones, 0);
  EXPECT_LE(failed_pushes, totals.at("abandoned").get<int>());  // a push that git chunks may cost a 502
  EXPECT_EQ(totals.at("cut"), 0);
  EXPECT_TRUE(Whole("repos/site.git"));
}

}  // namespace
}  // namespace hydrapool::support
