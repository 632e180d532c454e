#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>

#include "loadgen/engine/body_check.h"
#include "loadgen/engine/h2/request.h"
#include "loadgen/plan/plan.h"
#include "loadgen/stats/first_responses.h"
#include "loadgen/stats/tally.h"

namespace hydrapool::loadgen {

class H2Connection;

/// What has come of a response.
struct H2Response {
  explicit H2Response(const Plan& plan) : check(plan) {}

  void Clear() {
    status = 0;
    bytes = 0;
    body_bytes = 0;
    began = head_whole = reset = tells = false;
    malformed.clear();
    worker.clear();
    coding.clear();
    first.head.clear();
    first.body.clear();
  }
  void KeepHead(std::string_view text) {
    if (first.head.size() < kMostOfHead) first.head += text.substr(0, kMostOfHead - first.head.size());
  }
  void KeepBody(std::string_view text) {
    if (first.body.size() < kMostOfBody) first.body += text.substr(0, kMostOfBody - first.body.size());
  }

  int status = 0;
  std::uint64_t bytes = 0;       // of its fields, as text would have them
  std::uint64_t body_bytes = 0;  // and of its body
  bool began = false;
  bool head_whole = false;  // of the final response
  bool reset = false;       // by the server
  bool tells = false;       // how it began, for no response of that status has told yet
  std::string malformed;    // why it is
  std::string worker;
  std::string coding;   // Content-Encoding
  FirstResponse first;  // how it began, where it tells
  BodyCheck check;
};

/// One request on its way over HTTP/2: used again and again.
struct H2Stream {
  explicit H2Stream(const Plan& plan) : response(plan) {}

  void Begin(const Attempt& next) {
    attempt = next;
    at = {};
    sent_whole = reused = false;
    response.Clear();
  }

  Attempt attempt;
  H2Connection* connection = nullptr;
  std::size_t place = 0;  // among those of the connection
  std::int32_t id = 0;
  H2RequestBuffers own;     // what of the request differs from others
  std::string_view unsent;  // of its body
  bool sent_whole = false;
  bool reused = false;  // its connection had carried another
  Moments at;
  H2Response response;

  sys::Nanos free_since = 0;
  std::list<H2Stream>::iterator self;
};

}  // namespace hydrapool::loadgen
