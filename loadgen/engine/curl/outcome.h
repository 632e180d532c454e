#pragma once

#include <curl/curl.h>

#include <cstdint>

#include "loadgen/plan/plan.h"
#include "loadgen/stats/outcome.h"

namespace hydrapool::loadgen {

/// How far a request got, as the engine saw it itself, and what libcurl said at its end.
struct CurlEnding {
  CURLcode code = CURLE_OK;
  int error_number = 0;            ///< errno of the failed socket() or connect(), 0 where there was none
  bool resend_suppressed = false;  ///< libcurl was about to send it a second time
  bool refused = false;            ///< because the server refused the stream
  bool connected = false;          ///< it was handed to a connection
  bool reused = false;             ///< that connection had carried a request before
  bool malformed = false;          ///< its head is none (pool/http/response_head_reader.h)
  bool head_began = false;         ///< a line of the response came
  bool head_complete = false;      ///< the empty line after the final response's headers came
  int status = 0;
  std::uint64_t body_bytes = 0;  ///< decoded
  bool body_passed = true;       ///< the check of its bytes
};

/// The outcome of a request that ended by itself. libcurl calls some cut responses good (one that is closed
/// within its headers, for one), hence the engine's own observations. Pure.
Outcome OutcomeOf(const Plan& plan, const CurlEnding& ending);

/// The outcome of a request whose time ran out, by how far it got. Pure.
Outcome TimeoutOutcomeOf(const CurlEnding& ending);

}  // namespace hydrapool::loadgen
