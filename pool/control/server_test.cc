#include "pool/control/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "pool/sys/scratch_dir.h"
#include "pool/sys/socket.h"

namespace hydrapool::control {
namespace {

using ::testing::HasSubstr;

/// A server that answers each command by itself, "many" by much and "never" by nothing, and its clients, all
/// on one thread.
class ControlServerTest : public ::testing::Test {
 protected:
  Answer Answered(std::string_view command) {
    commands_.emplace_back(command);
    if (command == "never") return [] { return std::string(); };
    const int lines = command == "many" ? 1000 : 1;
    return [said = 0, lines, text = std::string(command)]() mutable -> std::optional<std::string> {
      if (said++ == lines) return std::nullopt;
      return "{\"ok\":\"" + text + "\"}\n" + std::string(lines > 1 ? 1000 : 0, '\n');
    };
  }
  sys::UniqueFd Connect() const {
    auto fd = sys::Connect("unix:" + path_, std::chrono::milliseconds(0));
    EXPECT_TRUE(fd);
    return std::move(*fd);
  }
  static void Send(const sys::UniqueFd& fd, const std::string& text) {
    ASSERT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  /// All until the server ends the connection.
  std::string Read(const sys::UniqueFd& fd) {
    std::string all;
    for (const sys::Nanos deadline = sys::Now() + 20 * sys::kSecond; sys::Now() < deadline;) {
      char buffer[4096];
      const ssize_t got = ::recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno != EAGAIN)) return all;
      if (got > 0) all.append(buffer, static_cast<std::size_t>(got));
      if (got < 0) loop_.RunOnce(sys::Now() + sys::kMillisecond);
    }
    return all + "(and no end)";
  }

  sys::ScratchDir scratch_{"control-test"};
  const std::string path_ = scratch_ / "control";
  std::vector<std::string> commands_;
  sys::EventLoop loop_;
  Server server_{loop_, ListenAt(path_), [this](std::string_view command) { return Answered(command); }};
};

TEST_F(ControlServerTest, ALineIsAnsweredAndTheConnectionEnds) {
  const auto client = Connect();
  Send(client, "workers\nand more\n");
  EXPECT_EQ(Read(client), "{\"ok\":\"workers\"}\n");
  EXPECT_EQ(commands_, std::vector<std::string>{"workers"});
}

TEST_F(ControlServerTest, ACommandMayComeInPieces) {
  const auto client = Connect();
  for (const char* piece : {"re", "size", " 3", "\n"}) {
    Send(client, piece);
    loop_.RunOnce(0);
  }
  EXPECT_EQ(Read(client), "{\"ok\":\"resize 3\"}\n");
}

TEST_F(ControlServerTest, HalfACommandIsNone) {
  const auto client = Connect();
  Send(client, "resize 1");  // of 10
  ::shutdown(client.get(), SHUT_WR);
  EXPECT_THAT(Read(client), HasSubstr("ends with a newline"));
  const auto slow = Connect();
  Send(slow, "resize 1");
  EXPECT_THAT(Read(slow), HasSubstr("no whole line has come in time"));
  const auto silent = Connect();
  ::shutdown(silent.get(), SHUT_WR);
  EXPECT_EQ(Read(silent), "");
  EXPECT_TRUE(commands_.empty());
}

TEST_F(ControlServerTest, AnOversizedCommandIsRefused) {
  const auto client = Connect();
  Send(client, std::string(Server::kLongest + 1, 'x'));
  EXPECT_THAT(Read(client), HasSubstr("at most 8192 bytes"));
  const auto with_end = Connect();
  Send(with_end, std::string(Server::kLongest + 1, 'x') + "\n");
  EXPECT_THAT(Read(with_end), HasSubstr("at most 8192 bytes"));
  EXPECT_TRUE(commands_.empty());
}

TEST_F(ControlServerTest, MuchIsAnsweredWhole) {
  const auto client = Connect();
  Send(client, "many\n");
  EXPECT_EQ(Read(client).size(), 1000 * (std::string("{\"ok\":\"many\"}\n").size() + 1000));
}

TEST_F(ControlServerTest, ThoseWhoWatchKeepNobodyElseOut) {
  std::vector<sys::UniqueFd> watchers;
  for (std::size_t i = 0; i < Server::kMostWaiting; ++i) {
    watchers.push_back(Connect());
    Send(watchers.back(), "never\n");
  }
  const auto one_more = Connect();
  Send(one_more, "never\n");
  EXPECT_THAT(Read(one_more), HasSubstr("as many watch as may: 12"));
  const auto client = Connect();
  Send(client, "workers\n");
  EXPECT_EQ(Read(client), "{\"ok\":\"workers\"}\n");
}

TEST_F(ControlServerTest, ThoseForWhomThereIsNoPlaceWait) {
  std::vector<sys::UniqueFd> silent;
  for (std::size_t i = 0; i < Server::kMost; ++i) silent.push_back(Connect());
  const auto client = Connect();
  Send(client, "workers\n");
  loop_.RunOnce(0);
  loop_.RunOnce(0);
  EXPECT_TRUE(commands_.empty());
  silent.pop_back();
  EXPECT_EQ(Read(client), "{\"ok\":\"workers\"}\n");
}

TEST_F(ControlServerTest, AStrangerIsToldSo) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another";
  std::filesystem::permissions(scratch_.path(), std::filesystem::perms{0755});
  ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);
  ASSERT_EQ(::seteuid(65534), 0);
  const auto client = Connect();
  ASSERT_EQ(::seteuid(0), 0);
  Send(client, "workers\n");
  EXPECT_THAT(Read(client), HasSubstr("only root and the server's own user"));
  EXPECT_TRUE(commands_.empty());
}

TEST_F(ControlServerTest, ItsSocketIsForItsUserAlone) {
  struct stat there {};
  ASSERT_EQ(::lstat(path_.c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 07777, 0600u);
}

TEST_F(ControlServerTest, APathThatCannotBeItsOwnIsRefused) {
  EXPECT_THROW(ListenAt(path_), std::system_error) << "it is served";
  std::ofstream(scratch_ / "file") << "precious";
  for (const std::string& path : {scratch_ / "file", scratch_.path().string()}) {
    try {
      ListenAt(path);
      ADD_FAILURE() << path;
    } catch (const std::system_error& error) {
      EXPECT_THAT(error.what(), HasSubstr(path + ": File exists"));
    }
  }
  EXPECT_THROW(ListenAt(scratch_ / "missing/control"), std::system_error);
  EXPECT_THROW(ListenAt(std::string(200, 'x')), std::invalid_argument);
  EXPECT_THROW(ListenAt(""), std::invalid_argument);
}

TEST(ControlSocketTest, AStaleOneIsReplaced) {
  const sys::ScratchDir scratch("control-test");
  ListenAt(scratch / "control").Reset();
  EXPECT_TRUE(ListenAt(scratch / "control"));
}

}  // namespace
}  // namespace hydrapool::control
