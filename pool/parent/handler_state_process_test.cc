// What a handler may keep, and when it is told of beginnings and ends, also when workers are killed.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>

#include "hydrapool/process_pool.h"
#include "pool/parent/test_pool.h"
#include "pool/sys/kill.h"

namespace hydrapool {
namespace {

using test::Eventually;
using test::LineClient;
using test::Notes;
using test::ServedPool;

struct Count {
  int value;
};

/// note: how often this request has been seen, 1 unless notes are left over. count: the connection's requests
/// so far. die: the same as note, but kills its worker when first seen.
struct Counting {
  Counting(WorkerContext&, Notes& notes) : shared(notes) {}
  std::optional<Reply> OnConnect(Connection& connection) {
    connection.notes<Count>().value = 100;  // no request's
    return Reply{.bytes = "hello\n"};
  }
  void OnClose(Connection&) { ++shared.runs; }
  void OnWorkerStop() { shared.runs += 1000; }
  Decision OnInput(Connection& connection, std::string_view input) {
    const auto end = input.find('\n');
    if (end == input.npos) return NeedMore{};
    const std::string_view command = input.substr(0, end);
    if (command == "plain") return Reply{.consume = end + 1, .bytes = "plain\n"};
    if (command == "pid") return Reply{.consume = end + 1, .bytes = std::to_string(::getpid()) + "\n"};
    if (command == "bye") return Reply{.consume = end + 1, .bytes = "bye\n", .keep_open = false};
    int& value =
        command == "count" ? connection.connection_notes<Count>().value : connection.notes<Count>().value;
    ++value;
    if (command == "die" && value == 1) ::raise(SIGKILL);
    return Reply{.consume = end + 1, .bytes = std::to_string(value) + "\n"};
  }
  static std::string AbandonedReply() { return "abandoned\n"; }
  Notes& shared;
};

TEST(HandlerStateTest, NotesAreZeroForEachRequestOfABatchAndOfAConnection) {
  const ServedPool<Counting> pool;
  const LineClient client = pool.Connect();
  EXPECT_EQ(client.HearLine(), "hello\n");
  client.Say("note\nplain\nnote\nnote\nplain\nplain\nnote\n");
  for (const std::string expected : {"1\n", "plain\n", "1\n", "1\n", "plain\n", "plain\n", "1\n"})
    EXPECT_EQ(client.HearLine(), expected);
  EXPECT_EQ(client.Ask("note\n"), "1\n");
  const LineClient next = pool.Connect();
  EXPECT_EQ(next.HearLine(), "hello\n");
  EXPECT_EQ(next.Ask("note\n"), "1\n");
}

TEST(HandlerStateTest, NotesOfTheRequestInHandAreFoundByTheNextWorker) {
  const ServedPool<Counting> pool;
  const LineClient client = pool.Connect();
  EXPECT_EQ(client.HearLine(), "hello\n");
  EXPECT_EQ(client.Ask("die\n"), "2\n");
  EXPECT_EQ(client.Ask("note\n"), "1\n");
}

TEST(HandlerStateTest, NotesOfAConnectionSurviveItsWorkersAndEndWithIt) {
  const ServedPool<Counting> pool;
  const LineClient client = pool.Connect();
  EXPECT_EQ(client.HearLine(), "hello\n");
  for (int i = 1; i <= 10; ++i) {
    EXPECT_EQ(client.Ask("count\n"), std::to_string(i) + "\n");
    sys::Kill(std::stoi(client.Ask("pid\n")), SIGKILL);
  }
  client.Say("bye\n");
  EXPECT_EQ(client.HearRest(), "bye\n");
  for (int i = 0; i < 10; ++i) {
    const LineClient next = pool.Connect();
    EXPECT_EQ(next.HearLine(), "hello\n");
    EXPECT_EQ(next.Ask("count\n"), "1\n");
  }
}

TEST(HandlerStateTest, OnConnectSpeaksOnceAlsoWhenItsWorkerIsKilled) {
  const ServedPool<Counting> pool;
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(pool.WaitUntilReady());
    const LineClient client = pool.Connect();
    sys::Kill(pool.worker(static_cast<std::size_t>(i % 2)).pid, SIGKILL);
    EXPECT_EQ(client.HearLine(), "hello\n");
    EXPECT_EQ(client.Ask("plain\n"), "plain\n");
    client.Say("bye\n");
    EXPECT_EQ(client.HearRest(), "bye\n");
  }
}

struct Refusing : Counting {
  using Counting::Counting;
  std::optional<Reply> OnConnect(Connection&) { return Reply{.bytes = "full\n", .keep_open = false}; }
};

TEST(HandlerStateTest, OnConnectMayEndTheConnection) {
  const ServedPool<Refusing> pool;
  const LineClient client = pool.Connect();
  client.Say("plain\n");
  int error = -1;
  EXPECT_EQ(client.HearRest(&error), "full\n");
  EXPECT_EQ(error, 0);
}

struct Crashing : Counting {
  using Counting::Counting;
  std::optional<Reply> OnConnect(Connection&) {
    test::Crash();
    return std::nullopt;
  }
};

TEST(HandlerStateTest, AnOnConnectThatCrashesWorkersIsStoppedAtTheSecond) {
  const ServedPool<Crashing> pool;
  EXPECT_EQ(pool.Connect().HearRest(), "abandoned\n");
  EXPECT_EQ(pool.counts().poison.value(), 1u);
}

TEST(HandlerStateTest, TheHandlerIsToldWhenItsWorkerClosesAndWhenItStops) {
  ServedPool<Counting> pool({.workers = 2, .max_connections = 16});
  ASSERT_TRUE(pool.WaitUntilReady());
  const LineClient client = pool.Connect();
  client.Say("bye\n");
  EXPECT_EQ(client.HearRest(), "hello\nbye\n");
  client.Finish();
  EXPECT_TRUE(Eventually([&] { return pool.notes().runs == 1; }));
  EXPECT_EQ(pool.Drain(), "exit_0");
  EXPECT_EQ(pool.notes().runs, 2001);
}

}  // namespace
}  // namespace hydrapool
