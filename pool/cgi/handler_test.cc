// What the handler decides before it starts a program: no program is started here (samples_test.cc does).
#include "pool/cgi/handler.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <variant>

#include "pool/cgi/test_exchange.h"
#include "pool/sys/scratch_dir.h"

namespace hydrapool::cgi {
namespace {

class HandlerTest : public ::testing::Test {
 protected:
  HandlerTest() {
    config_.max_body = 100'000;
    config_.body_directory = directory_.path().string();
  }

  /// A request of so many bytes of head and body, whatever of it has come.
  const http::Request& Ask(const std::string& head, std::string_view body = "") {
    exchange_.input = head + std::string(body);
    return *std::get<const http::Request*>(parser_.Parse(exchange_.input));
  }
  Decision OnRequest(const http::Request& request) {
    return handler().OnRequest(exchange_.connection(), request, exchange_.input);
  }
  Begun Begin(const http::Request& request) { return handler().Begin(exchange_, request, exchange_.input); }
  Handler& handler() {
    if (!handler_) handler_ = std::make_unique<Handler>(exchange_.fake_worker.context, config_, mounts_, "");
    return *handler_;
  }
  static std::string Post(std::size_t length, const std::string& fields = "") {
    return "POST /cgi-bin/none HTTP/1.1\r\nHost: x\r\n" + fields +
           "Content-Length: " + std::to_string(length) + "\r\n\r\n";
  }
  static std::string Chunked() {
    return "POST /cgi-bin/none HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  }
  /// The status of an answer, 0 where there is none.
  template <typename Said>
  static int StatusOf(const Said& said) {
    const auto* reply = std::get_if<Reply>(&said);
    return reply == nullptr ? 0 : std::stoi(reply->bytes.substr(9, 3));
  }

  const sys::ScratchDir directory_{"hydrapool-test"};
  const Mounts mounts_{{{Mount::Kind::kPrograms, "/cgi-bin/", directory_.path().string()}}, {}};
  Config config_;
  http::RequestParser parser_{http::Limits{}};
  FakeExchange exchange_;
  std::unique_ptr<Handler> handler_;
};

TEST_F(HandlerTest, StartsWhatIsWholeOrTooLargeToBeLookedAtAndWaitsForTheRest) {
  const std::size_t large = Handler::kPeeked;
  EXPECT_TRUE(std::holds_alternative<Start>(OnRequest(Ask(Post(0)))));
  EXPECT_TRUE(std::holds_alternative<Start>(OnRequest(Ask(Post(4), "body"))));
  EXPECT_TRUE(std::holds_alternative<NeedMore>(OnRequest(Ask(Post(4), "bod"))));
  EXPECT_TRUE(std::holds_alternative<Start>(OnRequest(Ask(Post(large))))) << "it is moved by splice";
  EXPECT_TRUE(std::holds_alternative<Start>(OnRequest(Ask(Chunked()))));
  EXPECT_EQ(StatusOf(OnRequest(Ask(Post(100'001)))), 413);
}

TEST_F(HandlerTest, ASmallBodyThatIsExpectedIsAskedForOnce) {
  const std::string head = Post(4, "Expect: 100-continue\r\n");
  const Decision first = OnRequest(Ask(head));
  ASSERT_TRUE(std::holds_alternative<Reply>(first));
  EXPECT_TRUE(std::get<Reply>(first).interim);
  EXPECT_EQ(std::get<Reply>(first).bytes, "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(std::holds_alternative<Reply>(OnRequest(Ask(head)))) << "it was not sent: its worker died";
  exchange_.sent = std::get<Reply>(first).bytes;
  EXPECT_TRUE(std::holds_alternative<NeedMore>(OnRequest(Ask(head))));
  EXPECT_TRUE(std::holds_alternative<Start>(OnRequest(Ask(head, "body"))));
}

TEST_F(HandlerTest, WhatCannotBeStartedIsAnsweredAndItsRequestIsConsumed) {
  const Begun missing = Begin(Ask(Post(4), "body"));
  EXPECT_EQ(StatusOf(missing), 404);
  EXPECT_EQ(std::get<Reply>(missing).consume, exchange_.input.size());
  EXPECT_TRUE(std::get<Reply>(missing).keep_open);
}

TEST_F(HandlerTest, AnAnswerThatLeavesABodyBehindCloses) {
  const Begun missing = Begin(Ask(Post(Handler::kPeeked)));
  EXPECT_EQ(StatusOf(missing), 404);
  EXPECT_EQ(std::get<Reply>(missing).consume, 0u);
  EXPECT_FALSE(std::get<Reply>(missing).keep_open);
}

TEST_F(HandlerTest, EveryRequestHasADeadlineAndNotesThatAnotherWorkerGoesOnWith) {
  config_.patience = 7 * sys::kSecond;
  exchange_.sent = "before";
  const sys::Nanos before = sys::Now();
  const http::Request& request = Ask(Post(Handler::kPeeked, "Expect: 100-continue\r\n"));
  (void)Begin(request);
  EXPECT_GE(exchange_.deadline, before + config_.patience);
  const CourierNotes& notes = NotesOf(exchange_);
  EXPECT_EQ(notes.request_head, request.head_size);
  EXPECT_EQ(notes.request_total, request.head_size + Handler::kPeeked);
  EXPECT_EQ(notes.sent_begin, 6u);
  EXPECT_TRUE(notes.feeds);
  EXPECT_TRUE(notes.wants_continue);
  EXPECT_FALSE(notes.spools);
  const std::string kept(exchange_.buffer().data() + kRequestHeadAt, request.head_size);
  EXPECT_EQ(kept, exchange_.input.substr(0, request.head_size));
}

TEST_F(HandlerTest, AChunkedBodyIsMadeWholeFirst) {
  const Begun begun = Begin(Ask(Chunked(), "4\r\nbody\r\n0\r\n\r\n"));
  ASSERT_TRUE(std::holds_alternative<std::unique_ptr<Execution>>(begun));
  EXPECT_EQ(exchange_.fake_process.bodies().bodies(), 1u);
  exchange_.Run();
  EXPECT_EQ(exchange_.answer.value_or(Reply{}).bytes.substr(9, 3), "404") << "there is no such program";
  EXPECT_EQ(exchange_.input, "") << "its body is gone";
}

TEST_F(HandlerTest, AsManyBodiesAreMadeWholeAsMayAtOnce) {
  exchange_.fake_worker.internals.most_processes = 0;
  EXPECT_EQ(StatusOf(Begin(Ask(Chunked()))), 503);
  EXPECT_EQ(exchange_.fake_process.bodies().bodies(), 0u);
}

TEST_F(HandlerTest, ABodyThatTheParentCannotHoldIsRefusedAndCostsNoPlace) {
  exchange_.fake_process.parent_is_busy = true;
  const Begun begun = Begin(Ask(Chunked()));
  EXPECT_EQ(StatusOf(begun), 503);
  EXPECT_NE(std::get<Reply>(begun).bytes.find("Retry-After: 1"), std::string::npos);
  EXPECT_EQ(exchange_.fake_process.bodies().bodies(), 0u);
}

TEST_F(HandlerTest, ABodyIsMadeWholeInMemoryWhereThatIsLeftAndOnDiskElse) {
  for (const std::uint64_t memory : {std::uint64_t{1} << 30, std::uint64_t{0}}) {
    FakeExchange exchange;
    config_.body_memory = memory;
    Handler handler(exchange.fake_worker.context, config_, mounts_, "");
    const http::Request& request = Ask(Chunked());
    const Begun begun = handler.Begin(exchange, request, exchange_.input);
    EXPECT_TRUE(std::holds_alternative<std::unique_ptr<Execution>>(begun));
    EXPECT_EQ(exchange.fake_process.bodies().in_memory(), memory > 0 ? 1u : 0u);
  }
}

TEST_F(HandlerTest, WhoTakesOverAHalfBodyGoesOnWithItAndWithoutItsFileItCannot) {
  Begun begun = Begin(Ask(Chunked(), "4\r\nbo"));
  exchange_.Run();
  begun = std::unique_ptr<Execution>();
  std::unique_ptr<Execution> next = handler().Resume(exchange_);
  ASSERT_TRUE(next);
  next->OnStepDone();
  exchange_.input += "dy\r\n0\r\n\r\n";
  next->OnReadable();
  EXPECT_TRUE(exchange_.answer);
  EXPECT_EQ(exchange_.input, "");

  exchange_.fake_process.body.Reset();
  EXPECT_FALSE(handler().Resume(exchange_));
}

}  // namespace
}  // namespace hydrapool::cgi
