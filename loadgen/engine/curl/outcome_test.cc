#include "loadgen/engine/curl/outcome.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace hydrapool::loadgen {
namespace {

TEST(CurlOutcomeTest, AWholeResponseIsOkOrHasABadStatus) {
  EXPECT_EQ(OutcomeOf(Plan{}, {.connected = true, .head_began = true, .head_complete = true, .status = 200}),
            Outcome::kOk);
  EXPECT_EQ(OutcomeOf(Plan{}, {.connected = true, .head_began = true, .head_complete = true, .status = 302}),
            Outcome::kOk);
  EXPECT_EQ(OutcomeOf(Plan{}, {.connected = true, .head_began = true, .head_complete = true, .status = 404}),
            Outcome::kBadStatus);
}

TEST(CurlOutcomeTest, WhatLibcurlCallsGoodMayBeCut) {
  EXPECT_EQ(OutcomeOf(Plan{}, {.connected = true, .head_began = true, .status = 200}), Outcome::kTruncated);
  EXPECT_EQ(OutcomeOf(Plan{}, {.connected = true, .head_began = true, .head_complete = true, .status = 100}),
            Outcome::kTruncated);
}

TEST(CurlOutcomeTest, FailuresToConnectAreToldApart) {
  EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_COULDNT_CONNECT, .error_number = ECONNREFUSED}),
            Outcome::kRefused);
  EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_COULDNT_CONNECT, .error_number = EADDRNOTAVAIL}),
            Outcome::kNoPorts);
  EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_COULDNT_CONNECT, .error_number = EMFILE}),
            Outcome::kNoDescriptors);
  EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_COULDNT_CONNECT, .error_number = ENETUNREACH}),
            Outcome::kUnreachable);
  EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_COULDNT_RESOLVE_HOST}), Outcome::kResolve);
  EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_SSL_CONNECT_ERROR}), Outcome::kTls);
}

TEST(CurlOutcomeTest, StreamsOfHttp2HaveOutcomesOfTheirOwn) {
  for (const bool began : {false, true})
    EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_HTTP2_STREAM, .connected = true, .head_began = began}),
              Outcome::kStreamReset);
  EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_COULDNT_CONNECT, .resend_suppressed = true, .refused = true}),
            Outcome::kStreamRefused);
}

TEST(CurlOutcomeTest, ResetsAreToldApartByWhatHadCome) {
  EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_RECV_ERROR, .connected = true}), Outcome::kResetBeforeResponse);
  EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_GOT_NOTHING, .connected = true}), Outcome::kResetBeforeResponse);
  EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_RECV_ERROR, .connected = true, .head_began = true}),
            Outcome::kResetInResponse);
  EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_PARTIAL_FILE, .connected = true}),
            Outcome::kResetBeforeResponse);
  EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_PARTIAL_FILE, .connected = true, .reused = true}),
            Outcome::kResendSuppressed);
  EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_PARTIAL_FILE, .connected = true, .head_began = true}),
            Outcome::kTruncated);
}

TEST(CurlOutcomeTest, APreventedResendComesFirst) {
  EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_COULDNT_CONNECT, .resend_suppressed = true, .connected = true}),
            Outcome::kResendSuppressed);
}

TEST(CurlOutcomeTest, AKeptAliveConnectionThatDiesBeforeTheFirstByteIsTheCaseThatOthersSendAgain) {
  for (const auto code : {CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING}) {
    EXPECT_EQ(OutcomeOf(Plan{}, {.code = code, .connected = true, .reused = true}),
              Outcome::kResendSuppressed);
    EXPECT_EQ(OutcomeOf(Plan{}, {.code = code, .connected = true, .reused = true, .head_began = true}),
              code == CURLE_GOT_NOTHING ? Outcome::kTruncated : Outcome::kResetInResponse);
  }
}

TEST(CurlOutcomeTest, AHeadThatIsNoneIsMalformedWhateverLibcurlCallsIt) {
  EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_WRITE_ERROR, .connected = true, .malformed = true}),
            Outcome::kMalformed);
  EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_OUT_OF_MEMORY, .connected = true}), Outcome::kMalformed);
  EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_OUT_OF_MEMORY}), Outcome::kOther);
  EXPECT_EQ(OutcomeOf(Plan{}, {.code = CURLE_UNSUPPORTED_PROTOCOL, .connected = true}), Outcome::kMalformed);
}

TEST(CurlOutcomeTest, ARedirectToWhatIsNotHttpIsWellFormed) {
  EXPECT_EQ(
      OutcomeOf(
          Plan{},
          {.code = CURLE_UNSUPPORTED_PROTOCOL, .connected = true, .head_began = true, .head_complete = true}),
      Outcome::kOther);
}

TEST(CurlOutcomeTest, TimeoutsAreToldApartByPhase) {
  EXPECT_EQ(TimeoutOutcomeOf({}), Outcome::kTimeoutConnect);
  EXPECT_EQ(TimeoutOutcomeOf({.connected = true}), Outcome::kTimeoutFirstByte);
  EXPECT_EQ(TimeoutOutcomeOf({.connected = true, .head_began = true}), Outcome::kTimeoutBody);
}

}  // namespace
}  // namespace hydrapool::loadgen
