#include "loadgen/engine/curl/outcome.h"

#include "loadgen/engine/expectation.h"

namespace hydrapool::loadgen {
namespace {

Outcome BeforeResponse(const CurlEnding& ending) {
  return ending.reused ? Outcome::kResendSuppressed : Outcome::kResetBeforeResponse;
}

}  // namespace

Outcome OutcomeOf(const Plan& plan, const CurlEnding& ending) {
  if (ending.refused) return Outcome::kStreamRefused;
  if (ending.resend_suppressed) return Outcome::kResendSuppressed;
  if (ending.malformed) return Outcome::kMalformed;
  switch (ending.code) {
    case CURLE_OK:
      if (!ending.head_complete || ending.status < 200) return Outcome::kTruncated;
      return Judge(plan, ending.status, ending.body_bytes, ending.body_passed);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return Outcome::kResolve;
    case CURLE_COULDNT_CONNECT:
      return ConnectFailure(ending.error_number);
    case CURLE_OPERATION_TIMEDOUT:
      return TimeoutOutcomeOf(ending);
    case CURLE_GOT_NOTHING:
      if (ending.head_began) return Outcome::kTruncated;
      [[fallthrough]];
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
      if (!ending.connected) return Outcome::kUnreachable;
      if (ending.head_began) return Outcome::kResetInResponse;
      return BeforeResponse(ending);
    case CURLE_PARTIAL_FILE:  // of HTTP/2 also where nothing of a response came
      return ending.head_began ? Outcome::kTruncated : BeforeResponse(ending);
    case CURLE_HTTP2_STREAM:
      return Outcome::kStreamReset;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return Outcome::kTls;
    case CURLE_UNSUPPORTED_PROTOCOL:  // of the response's first line, or of a redirect to ftp://
      return ending.head_complete ? Outcome::kOther : Outcome::kMalformed;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_BAD_CONTENT_ENCODING:
      return Outcome::kMalformed;
    case CURLE_OUT_OF_MEMORY:  // a line too long for libcurl
      return ending.connected && !ending.head_complete ? Outcome::kMalformed : Outcome::kOther;
    default:
      return Outcome::kOther;
  }
}

Outcome TimeoutOutcomeOf(const CurlEnding& ending) {
  if (!ending.connected) return Outcome::kTimeoutConnect;
  return ending.head_began ? Outcome::kTimeoutBody : Outcome::kTimeoutFirstByte;
}

}  // namespace hydrapool::loadgen
