#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/plan/plan.h"
#include "loadgen/plan/text_template.h"

namespace hydrapool::loadgen {

struct FreeCurlList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlList = std::unique_ptr<curl_slist, FreeCurlList>;
/// At the list's end. Throws std::bad_alloc.
void Append(CurlList& list, const char* text);

/// What one easy handle needs of a request that is not the same as the others: libcurl keeps pointers to the
/// body and the headers.
struct CurlRequestBuffers {
  std::string url = {};
  std::string body = {};         ///< Where it differs from request to request.
  std::string_view upload = {};  ///< The body, where libcurl asks for it piece by piece (upload.h).
  std::string user = {};
  CurlList headers = {};
};

/// The requests to one of the plan's targets, as libcurl is told of them. `plan` must outlive it, and it the
/// handles.
class CurlRequest {
 public:
  CurlRequest(const Plan& plan, const Target& target);

  /// Every request is the same.
  [[nodiscard]] bool constant() const { return constant_; }
  /// Sets the handle up for the `turn`-th request of the run.
  void Apply(CURL* easy, std::uint64_t turn, CurlRequestBuffers& own) const;

 private:
  void ApplyMethod(CURL* easy) const;

  const Plan& plan_;
  const Target& target_;
  bool as_it_is_;  // its dot segments
  TextTemplate url_;
  TextTemplate user_;
  TextTemplate body_;
  std::vector<TextTemplate> headers_;
  bool constant_ = true;
};

}  // namespace hydrapool::loadgen
