// What a handler can do wrong costs the connection that it does it on, with one line in the log.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "hydrapool/process_pool.h"
#include "pool/parent/test_pool.h"

namespace hydrapool {
namespace {

using test::LineClient;
using test::ServedPool;

/// Does in Begin or in its first turn what its name says.
class Clumsy final : public Execution {
 public:
  Clumsy(Exchange& exchange, std::string line) : exchange_(exchange), line_(std::move(line)) {
    turn_ = exchange.At(0, [this] { Do(); });
  }
  void OnStepDone() override {}
  void OnDeadline() override {}

 private:
  void Do() {
    const auto size = static_cast<std::uint32_t>(line_.size());
    const Transmission whole{.prefix = 2, .consume = size, .then = Transmission::Then::kDone};
    if (line_ == "answer nothing consumed\n") exchange_.Answer({.consume = 0, .bytes = "x\n"});
    if (line_ == "answer interim again and again\n") exchange_.Answer({.interim = true});
    if (line_ == "answer too much consumed\n") exchange_.Answer({.consume = size + 1, .bytes = "x\n"});
    if (line_ == "answer twice\n") {
      exchange_.Answer({.consume = size, .bytes = "x\n"});
      exchange_.Answer({.consume = size, .bytes = "x\n"});
    }
    if (line_ == "send too much\n") exchange_.Send({.prefix = 65536, .suffix = 1, .consume = size});
    if (line_ == "send of no process\n") exchange_.Send({.prefix = 2, .spliced = 5, .consume = size});
    if (line_ == "send nothing consumed\n") exchange_.Send({.prefix = 2});
    if (line_ == "send twice\n") {
      exchange_.Send(whole);
      exchange_.Send(whole);
    }
    if (line_ == "consume too much\n") {
      exchange_.BeginOnce();
      exchange_.Consume(size + 1);
    }
    if (line_ == "consume before once\n") exchange_.Consume(size);
    if (line_ == "become none\n") exchange_.Become(nullptr);
    if (line_ == "throw in a call\n") throw std::runtime_error("thrown");
  }

  Exchange& exchange_;
  const std::string line_;
  EventLoop::Timer turn_;
};

struct Trap {
  Trap(WorkerContext&, test::Notes&) {}
  Decision OnInput(Connection&, std::string_view input) {
    const auto end = input.find('\n');
    if (end == input.npos) return NeedMore{};
    const std::string_view line = input.substr(0, end + 1);
    if (line == "consume 0\n") return Reply{.consume = 0, .bytes = "zero\n"};
    if (line == "consume more\n") return Reply{.consume = input.size() + 100, .bytes = "big\n"};
    if (line == "throw\n") throw std::runtime_error("thrown");
    if (line == "throw an int\n") throw 1;
    if (line == "interim again and again\n") return Reply{.consume = 0, .interim = true};
    if (line == "ok\n") return Reply{.consume = line.size(), .bytes = "ok\n"};
    return Start{};
  }
  Begun Begin(Exchange& exchange, std::string_view input) {
    const std::string line(input.substr(0, input.find('\n') + 1));
    if (line == "null\n") return std::unique_ptr<Execution>();
    if (line == "begin interim again and again\n") return Reply{.interim = true};
    if (line == "throw in Begin\n") throw std::runtime_error("thrown");
    if (line == "begin nothing consumed\n") return Reply{.consume = 0, .bytes = "zero\n"};
    if (line == "begin too much consumed\n") return Reply{.consume = input.size() + 1, .bytes = "big\n"};
    return std::make_unique<Clumsy>(exchange, line);
  }
  static std::string AbandonedReply() { return "abandoned\n"; }
};

struct NoBegin {
  NoBegin(WorkerContext&, test::Notes&) {}
  Decision OnInput(Connection&, std::string_view input) {
    if (input == "ok\n") return Reply{.consume = input.size(), .bytes = "ok\n"};
    return Start{};
  }
  static std::string AbandonedReply() { return "abandoned\n"; }
};

/// Answers a line, after sixteen interim replies to each piece of it.
struct Interim {
  Interim(WorkerContext&, test::Notes&) {}
  Decision OnInput(Connection& connection, std::string_view input) {
    struct Told {
      std::size_t size;
      int times;
    };
    Told& told = connection.notes<Told>();
    if (told.size != input.size()) told = {input.size(), 0};
    if (told.times++ < 16) return Reply{.bytes = "wait\n", .interim = true};
    if (!input.ends_with('\n')) return NeedMore{};
    return Reply{.consume = input.size(), .bytes = std::string(input)};
  }
  static std::string AbandonedReply() { return "abandoned\n"; }
};

struct ThrowingHooks {
  ThrowingHooks(WorkerContext&, test::Notes& shared) : notes(shared) {}
  std::optional<Reply> OnConnect(Connection&) {
    if (notes.runs++ == 0) throw 1;
    return std::nullopt;
  }
  void OnClose(Connection&) { throw 1; }
  void OnWorkerStop() { throw 1; }
  Decision OnInput(Connection&, std::string_view input) {
    return Reply{.consume = input.size(), .bytes = std::string(input), .keep_open = input != "bye\n"};
  }
  static std::string AbandonedReply() { throw 1; }
  test::Notes& notes;
};

/// The errors that a pool has logged, in memory that outlives it.
class ErrorLog {
 public:
  void Take() const {
    ::dup2(fd_.get(), STDERR_FILENO);
    sys::log::SetLevel(sys::log::Level::kError);
  }
  [[nodiscard]] std::size_t lines() const {
    const std::string text = Text();
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }
  [[nodiscard]] std::string Text() const {
    std::string text(64 * 1024, '\0');
    const ssize_t count = ::pread(fd_.get(), text.data(), text.size(), 0);
    text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return text;
  }

 private:
  sys::UniqueFd fd_{::memfd_create("errors", MFD_CLOEXEC)};
};

const PoolOptions kOneWorker{.workers = 1, .max_connections = 16};

class HandlerTrapTest : public testing::TestWithParam<const char*> {};

TEST_P(HandlerTrapTest, ResetsItsConnectionWithOneLineAndOthersAreServed) {
  const ErrorLog log;
  const ServedPool<Trap> pool(kOneWorker, [&] { log.Take(); });
  const LineClient other = pool.Connect();
  ASSERT_EQ(other.Ask("ok\n"), "ok\n");
  const LineClient client = pool.Connect();
  client.Say(std::string(GetParam()) + "\n");
  int error = 0;
  client.HearRest(&error);
  EXPECT_EQ(error, ECONNRESET);
  EXPECT_EQ(other.Ask("ok\n"), "ok\n");
  EXPECT_EQ(pool.Connect().Ask("ok\n"), "ok\n");
  EXPECT_EQ(log.lines(), 1u) << log.Text();
  EXPECT_NE(log.Text().find("the connection is reset"), std::string::npos) << log.Text();
  EXPECT_EQ(pool.worker(0).incarnation, 1u);
  EXPECT_EQ(pool.counts().cut.value() + pool.worker(0).cut.value(), 1u);
}

INSTANTIATE_TEST_SUITE_P(
    Mistakes, HandlerTrapTest,
    testing::Values("consume 0", "consume more", "throw", "throw an int", "null", "throw in Begin",
                    "begin nothing consumed", "begin too much consumed", "answer nothing consumed",
                    "answer too much consumed", "answer twice", "interim again and again",
                    "begin interim again and again", "answer interim again and again", "send too much",
                    "send of no process", "send nothing consumed", "send twice", "consume too much",
                    "consume before once", "become none", "throw in a call"),
    [](const auto& each) {
      std::string name = each.param;
      std::ranges::replace(name, ' ', '_');
      return name;
    });

TEST(HandlerTrapsTest, WhatCameBeforeAMistakeIsAnsweredFirst) {
  const ServedPool<Trap> pool(kOneWorker);
  for (const std::string mistake : {"consume 0\n", "consume more\n", "throw\n", "null\n"}) {
    const LineClient client = pool.Connect();
    client.Say("ok\nok\n" + mistake);
    EXPECT_EQ(client.HearLine(), "ok\n") << mistake;
  }
}

// Sixteen interim replies to the same bytes, and sixteen more whenever others have come.
TEST(HandlerTrapsTest, InterimRepliesThatAreFollowedByAnAnswerAreSent) {
  const ServedPool<Interim> pool(kOneWorker);
  const LineClient client = pool.Connect();
  for (int request = 0; request < 3; ++request) {
    for (const std::string piece : {"a", "b", "\n"}) {
      client.Say(piece);
      for (int i = 0; i < 16; ++i) ASSERT_EQ(client.HearLine(), "wait\n");
    }
    EXPECT_EQ(client.HearLine(), "ab\n");
  }
}

TEST(HandlerTrapsTest, ARequestPastMaxInputIsReset) {
  const ErrorLog log;
  PoolOptions options = kOneWorker;
  options.max_input = 1000;
  const ServedPool<Trap> pool(options, [&] { log.Take(); });
  const LineClient client = pool.Connect();
  client.Say(std::string(2000, 'x'));
  int error = 0;
  EXPECT_EQ(client.HearRest(&error), "");
  EXPECT_EQ(error, ECONNRESET);
  EXPECT_EQ(pool.Connect().Ask("ok\n"), "ok\n");
  EXPECT_EQ(log.lines(), 1u) << log.Text();
}

TEST(HandlerTrapsTest, StartWithoutBeginIsReset) {
  const ErrorLog log;
  const ServedPool<NoBegin> pool(kOneWorker, [&] { log.Take(); });
  const LineClient client = pool.Connect();
  client.Say("start\n");
  int error = 0;
  EXPECT_EQ(client.HearRest(&error), "");
  EXPECT_EQ(error, ECONNRESET);
  EXPECT_EQ(pool.Connect().Ask("ok\n"), "ok\n");
  EXPECT_EQ(log.lines(), 1u) << log.Text();
}

TEST(HandlerTrapsTest, ExceptionsOutOfOnConnectOnCloseAndOnWorkerStopCostNoWorker) {
  ServedPool<ThrowingHooks> pool(kOneWorker);
  int error = 0;
  EXPECT_EQ(pool.Connect().HearRest(&error), "");
  EXPECT_EQ(error, ECONNRESET);
  const LineClient client = pool.Connect();
  client.Say("bye\n");
  EXPECT_EQ(client.HearRest(&error), "bye\n");
  EXPECT_EQ(error, 0);
  EXPECT_EQ(pool.Connect().Ask("on\n"), "on\n");
  EXPECT_EQ(pool.worker(0).incarnation, 1u);
  EXPECT_EQ(pool.Drain(), "exit_0");
  EXPECT_EQ(pool.counts().exits[ExitCause(0, 0)].value(), 1u);
}

}  // namespace
}  // namespace hydrapool
