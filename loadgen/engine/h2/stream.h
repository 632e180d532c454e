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

/// One request on its way over HTTP/2, and what has come of its response: used again and again.
struct H2Stream {
  explicit H2Stream(const Plan& plan) : check(plan) {}

  void Begin(const Attempt& next) {
    attempt = next;
    at = {};
    status = 0;
    bytes = 0;
    body_bytes = 0;
    began = head_whole = whole = reset = sent_whole = tells = reused = false;
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

  Attempt attempt;
  H2Connection* connection = nullptr;
  std::size_t place = 0;  // among those of the connection
  std::int32_t id = 0;
  H2RequestBuffers own;     // what of the request differs from others
  std::string_view unsent;  // of its body
  Moments at;
  int status = 0;
  std::uint64_t bytes = 0;       // of the response's fields, as text would have them
  std::uint64_t body_bytes = 0;  // and of its body
  bool began = false;
  bool head_whole = false;  // of the final response
  bool whole = false;
  bool reset = false;       // by the server
  bool sent_whole = false;  // the request
  bool reused = false;      // its connection had carried another
  bool tells = false;       // how its response began: nobody has told of that status yet
  std::string malformed;    // why it is
  std::string worker;
  std::string coding;  // Content-Encoding
  FirstResponse first;
  BodyCheck check;

  sys::Nanos free_since = 0;
  std::list<H2Stream>::iterator self;
};

}  // namespace hydrapool::loadgen
