#pragma once

#include <cstdint>
#include <string_view>

#include "loadgen/engine/body_check.h"
#include "loadgen/plan/plan.h"
#include "loadgen/stats/first_responses.h"
#include "pool/http/response_head_reader.h"

namespace hydrapool::loadgen {

/// A response as libcurl hands it over: its heads line by line, interim ones first, then its body in pieces.
///
///     response.Begin();
///     … response.TakeLine(line) …            // false: response.wrong() says why
///     if (response.head_whole()) … response.TakeBody(bytes) …
///
/// It checks the body as it passes, and keeps how a response began whose status is not expected. A response
/// that leads to another one (a redirect) is forgotten at the next Begin. One thread's.
class CurlResponse {
 public:
  /// `plan` must outlive it.
  explicit CurlResponse(const Plan& plan);

  void Begin();
  /// A line of a head or the trailer, with its end. False: malformed.
  bool TakeLine(std::string_view line);
  void TakeBody(std::string_view bytes);

  /// The final response's head is over.
  [[nodiscard]] bool head_whole() const { return head_.complete(); }
  /// Of the final response, 0 before its first line.
  [[nodiscard]] int status() const { return head_.status(); }
  /// The value of the header that names the worker.
  [[nodiscard]] std::string_view worker() const { return head_.kept(); }
  /// Why its head is malformed; empty where it is not.
  [[nodiscard]] std::string_view wrong() const { return head_.wrong(); }
  /// How it began; empty where its status is expected.
  [[nodiscard]] const FirstResponse& first() const { return first_; }

  /// How long its decoded body was, which libcurl says was `counted`.
  [[nodiscard]] std::uint64_t BodyBytes(std::uint64_t counted) const {
    return check_.needed() ? check_.length() : counted;
  }
  /// Its whole body has passed the check. Once for each head.
  [[nodiscard]] bool BodyPassed() { return check_.Passed(); }

 private:
  void KeepHead(std::string_view line);

  const Plan& plan_;
  http::ResponseHeadReader head_;
  FirstResponse first_;
  BodyCheck check_;
};

}  // namespace hydrapool::loadgen
