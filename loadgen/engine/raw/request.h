#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "loadgen/plan/http_url.h"
#include "loadgen/plan/plan.h"
#include "loadgen/plan/text_template.h"

namespace hydrapool::loadgen {

/// A request on its way: `rest` follows `first`, and is large where it is not empty.
struct RequestBytes {
  std::string_view first;
  std::string_view rest = {};
};

/// The bytes of the requests to one of the plan's targets, with what libcurl would add: Host, User-Agent,
/// Accept and, for a body, Content-Length and Content-Type. As on curl's command line the plan's headers
/// replace these, "Name:" takes one away and "Name;" sends it empty.
///
///     const RawRequest request(plan, plan.targets[0], url);
///     send(request.Bytes(plan.seed, turn, buffer));
///
/// A large body that is the same for all requests is not copied. Allocates no memory once `buffer` is large
/// enough. Pure. `plan` must outlive it.
class RawRequest {
 public:
  /// `target` is one of the plan's, `url` its URL.
  RawRequest(const Plan& plan, const Target& target, const HttpUrl& url);

  /// The `turn`-th request of the run; in `buffer` where it is not the same as the others.
  /// `values`: of its session, as the scenario's variables.
  [[nodiscard]] RequestBytes Bytes(std::uint64_t seed, std::uint64_t turn, std::string& buffer,
                                   TextTemplate::Values values = {}) const;
  /// The response to it has no body.
  [[nodiscard]] bool to_head() const { return to_head_; }

 private:
  bool to_head_;
  bool constant_ = false;
  bool says_length_;  // between head_ and body_
  std::unique_ptr<const std::string> head_text_;
  TextTemplate head_;
  TextTemplate body_;
  std::string_view large_body_;
  std::string bytes_;  // all but large_body_, where they are constant
};

}  // namespace hydrapool::loadgen
