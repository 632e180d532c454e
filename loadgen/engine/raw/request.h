#pragma once

#include <string>
#include <string_view>

#include "loadgen/plan/http_url.h"
#include "loadgen/plan/plan.h"
#include "loadgen/plan/text_template.h"

namespace hydrapool::loadgen {

/// The bytes of the requests to one of the plan's URLs, with what libcurl would add: Host, User-Agent, Accept
/// and, for a body, Content-Length and Content-Type. As on curl's command line the plan's headers replace
/// these, "Name:" takes one away and "Name;" sends it empty.
///
///     const RawRequest request(plan, 0, url);
///     send(request.Bytes(plan.seed, turn, buffer));
///
/// Allocates no memory once `buffer` is large enough. Pure. `plan` must outlive it.
class RawRequest {
 public:
  /// `url` is the plan's number `index`.
  RawRequest(const Plan& plan, std::size_t index, const HttpUrl& url);

  /// The `turn`-th request of the run; in `buffer` where it is not the same as the others.
  [[nodiscard]] std::string_view Bytes(std::uint64_t seed, std::uint64_t turn, std::string& buffer) const;
  /// The response to it has no body.
  [[nodiscard]] bool to_head() const { return to_head_; }

 private:
  bool to_head_;
  bool constant_;
  bool says_length_ = false;  // between head_ and body_
  TextTemplate head_;
  TextTemplate body_;
  std::string bytes_;  // whole, where they are constant
};

}  // namespace hydrapool::loadgen
