#include "pool/cgi/spooler.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <new>
#include <string>

#include "pool/cgi/body_file.h"
#include "pool/cgi/courier_plan.h"
#include "pool/cgi/test_exchange.h"
#include "pool/sys/clock.h"

namespace hydrapool::cgi {
namespace {

constexpr std::string_view kHead = "POST / HTTP/1.1\r\n\r\n";

struct Nothing final : Execution {
  void OnStepDone() override {}
  void OnDeadline() override {}
};

/// Takes whole bodies, and keeps what they are.
struct Taker final : BodyTaker {
  Begun TakeBody(Exchange& exchange, std::string_view its_head, std::uint64_t length) override {
    head = its_head;
    body.resize(length);
    EXPECT_EQ(::pread(exchange.process().end(ProcessEnd::kBody), body.data(), length, 0),
              static_cast<ssize_t>(length));
    if (refuses) return Reply{.bytes = "refused", .keep_open = false};
    return std::make_unique<Nothing>();
  }
  std::string head;
  std::string body = "none";
  bool refuses = false;
};

Spooler::Plan PlanFor(std::uint64_t most) {
  Spooler::Plan plan;
  plan.head = kHead;
  plan.most = most;
  return plan;
}

class SpoolerTest : public ::testing::Test {
 protected:
  /// A request of which nothing is consumed, as Handler::Begin leaves it.
  SpoolerTest() {
    exchange_.input = kHead;
    CourierNotes& notes = *new (&NotesOf(exchange_)) CourierNotes{
        .request_total = kHead.size(),
        .patience = 10 * sys::kSecond,
        .request_head = static_cast<std::uint32_t>(kHead.size()),
        .spools = true,
    };
    notes.spool[0].at = kHead.size();
    EXPECT_TRUE(exchange_.fake_process.HoldBody(MemoryFile()));
  }
  Spooler& Start() {
    spooler_ = std::make_unique<Spooler>(exchange_, taker_, plan_);
    spooler_->Start();
    exchange_.Run();
    return *spooler_;
  }
  /// More comes from the client.
  void Come(std::string_view bytes) {
    exchange_.input += bytes;
    spooler_->OnReadable();
    exchange_.Run();
  }
  [[nodiscard]] int status() const {
    return exchange_.answer ? std::stoi(exchange_.answer->bytes.substr(9, 3)) : 0;
  }

  FakeExchange exchange_;
  Taker taker_;
  Spooler::Plan plan_ = PlanFor(1000);
  std::unique_ptr<Spooler> spooler_;
};

TEST_F(SpoolerTest, ChunksHoweverTheyAreCutAreOneBodyOfKnownLength) {
  const std::string chunks = "5\r\nhello\r\n1\r\n \r\n5;x=y\r\nworld\r\n0\r\nA: b\r\n\r\n";
  Start();
  for (const char each : chunks) {
    EXPECT_FALSE(exchange_.over());
    Come({&each, 1});
  }
  EXPECT_TRUE(exchange_.next);
  EXPECT_TRUE(exchange_.once);
  EXPECT_EQ(taker_.body, "hello world");
  EXPECT_EQ(taker_.head, kHead);
  EXPECT_EQ(NotesOf(exchange_).request_total, kHead.size() + chunks.size());
}

TEST_F(SpoolerTest, WhatFollowsTheBodyStaysInTheSocket) {
  exchange_.input += "1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
  Start();
  EXPECT_EQ(taker_.body, "x");
  EXPECT_EQ(exchange_.input, "GET / HTTP/1.1\r\n");
}

TEST_F(SpoolerTest, ABodyOfKnownLengthIsMadeWholeToo) {
  NotesOf(exchange_).request_total += 5;
  plan_.chunked = false;
  exchange_.input += "hel";
  Start();
  EXPECT_FALSE(exchange_.over());
  Come("lo GET");
  EXPECT_EQ(taker_.body, "hello");
  EXPECT_EQ(exchange_.input, " GET");
}

// The notes and the file are all that another worker has: it goes on with a spooler of its own, wherever the
// first one's worker died.
TEST_F(SpoolerTest, AnotherWorkersSpoolerGoesOnWhereTheFirstOneStood) {
  const std::string chunks = "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
  Start();
  for (const char each : chunks) {
    Come({&each, 1});
    if (exchange_.over()) break;
    spooler_ = std::make_unique<Spooler>(exchange_, taker_, plan_);
    spooler_->OnStepDone();
  }
  EXPECT_EQ(taker_.body, "hello world");
}

TEST_F(SpoolerTest, ContinueIsSentOnceAndFirst) {
  NotesOf(exchange_).wants_continue = true;
  Start();
  EXPECT_EQ(exchange_.sent, "HTTP/1.1 100 Continue\r\n\r\n");
  spooler_ = std::make_unique<Spooler>(exchange_, taker_, plan_);
  spooler_->OnStepDone();
  Come("1\r\nx\r\n0\r\n\r\n");
  EXPECT_EQ(exchange_.sent, "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(taker_.body, "x");
}

TEST_F(SpoolerTest, WhatIsNoBodyIsRefused) {
  const struct {
    const char* what;
    std::string chunks;
    int status;
  } cases[] = {
      {"no size", "x\r\n", 400},
      {"one byte too many in its chunk", "1\r\nxx\r\n", 400},
      {"as large as it may be", "3e8\r\n" + std::string(1000, 'x') + "\r\n0\r\n\r\n", 0},
      {"larger than it may be", "3e9\r\n" + std::string(1001, 'x') + "\r\n0\r\n\r\n", 413},
  };
  for (const auto& [what, chunks, refused] : cases) {
    SCOPED_TRACE(what);
    FakeExchange exchange;
    new (&NotesOf(exchange)) CourierNotes{};
    ASSERT_TRUE(exchange.fake_process.HoldBody(MemoryFile()));
    exchange.input = chunks;
    Spooler spooler(exchange, taker_, plan_);
    spooler.Start();
    exchange.Run();
    EXPECT_EQ(exchange.answer ? std::stoi(exchange.answer->bytes.substr(9, 3)) : 0, refused);
    EXPECT_EQ(exchange.next != nullptr, refused == 0);
    EXPECT_TRUE(!exchange.answer || !exchange.answer->keep_open);
  }
}

TEST_F(SpoolerTest, ALargeBodyMovesToTheDiskAndOneWithoutRoomIsRefused) {
  const std::string large(kMostInMemory + 1, 'x');
  for (const bool room : {true, false}) {
    FakeExchange exchange;
    new (&NotesOf(exchange)) CourierNotes{.request_total = large.size()};
    const BodyBudget& bodies = exchange.fake_process.bodies();
    ASSERT_TRUE(bodies.Begin(5, 1));
    ASSERT_TRUE(bodies.ClaimMemory(5, 1));
    ASSERT_TRUE(exchange.fake_process.HoldBody(MemoryFile()));
    exchange.input = large;
    plan_ = PlanFor(large.size());
    plan_.chunked = false;
    plan_.directory = room ? "/var/tmp" : "/nowhere";
    Spooler spooler(exchange, taker_, plan_);
    spooler.Start();
    exchange.Run();
    EXPECT_EQ(exchange.fake_process.bodies_held, room ? 2 : 1);
    EXPECT_EQ(bodies.in_memory(), room ? 0u : 1u);
    EXPECT_EQ(exchange.next != nullptr, room);
    EXPECT_EQ(taker_.body == large, room);
    EXPECT_EQ(exchange.answer.value_or(Reply{}).kind, room ? 0 : 5);
    taker_.body.clear();
  }
}

TEST_F(SpoolerTest, AClientThatLeavesInTheMiddleIsCut) {
  Start();
  Come("5\r\nhe");
  exchange_.ended = true;
  spooler_->OnReadable();
  EXPECT_TRUE(exchange_.aborted);
  EXPECT_EQ(taker_.body, "none");
}

TEST_F(SpoolerTest, AtItsDeadlineABodyThatComesFastEnoughGetsMoreTimeAndASlowOneIsRefused) {
  plan_.most = 100'000;
  Start();
  const std::string enough(static_cast<std::size_t>(10 * Spooler::Plan{}.least_rate) + 1, 'x');
  Come("10000\r\n" + enough);
  exchange_.deadline = 0;
  spooler_->OnDeadline();
  EXPECT_FALSE(exchange_.over());
  EXPECT_GT(exchange_.deadline, sys::Now());
  Come("x");
  spooler_->OnDeadline();
  EXPECT_EQ(status(), 408);
}

TEST_F(SpoolerTest, WhereItsProgramIsRefusedTheClientGetsThatAnswer) {
  taker_.refuses = true;
  exchange_.input += "0\r\n\r\n";
  Start();
  EXPECT_EQ(exchange_.answer.value_or(Reply{}).bytes, "refused");
  EXPECT_EQ(taker_.body, "");
}

}  // namespace
}  // namespace hydrapool::cgi
