#include "loadgen/engine/curl/request.h"

#include <algorithm>
#include <new>

#include "loadgen/plan/http_url.h"

namespace hydrapool::loadgen {
namespace {

constexpr long kKeepMethod = CURL_REDIR_POST_301 | CURL_REDIR_POST_302;
constexpr long kKeepHead = CURL_REDIR_POST_ALL;  // for a HEAD with a body

}  // namespace

void Append(CurlList& list, const char* text) {
  curl_slist* longer = curl_slist_append(list.get(), text);
  if (longer == nullptr) throw std::bad_alloc();
  static_cast<void>(list.release());
  list.reset(longer);
}

CurlRequest::CurlRequest(const Plan& plan, const Target& target)
    : plan_(plan),
      target_(target),
      as_it_is_(plan.wire.path_as_is || HasLines(target.url)),
      url_(target.url, plan.lines),
      user_(target.user, plan.lines),
      body_(TextTemplate::OfBody(target.body, plan.lines)) {
  for (const auto& header : target.headers) headers_.emplace_back(header, plan.lines);
  constant_ = url_.constant() && user_.constant() && body_.constant() &&
              std::ranges::all_of(headers_, &TextTemplate::constant);
}

void CurlRequest::Apply(CURL* easy, std::uint64_t turn, CurlRequestBuffers& own) const {
  own = {};
  url_.Expand(plan_.seed, turn, own.url);
  curl_easy_setopt(easy, CURLOPT_URL, own.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, as_it_is_ ? 1L : 0L);
  user_.Expand(plan_.seed, turn, own.user);
  if (own.user.empty()) own.user = plan_.wire.extras.user;
  curl_easy_setopt(easy, CURLOPT_USERPWD, own.user.empty() ? nullptr : own.user.c_str());
  ApplyMethod(easy);
  if (target_.body) {
    if (!body_.constant()) body_.Expand(plan_.seed, turn, own.body);
    const std::string_view body = body_.constant() ? target_.body.text() : own.body;
    const bool paced = plan_.wire.extras.limit_rate > 0;
    if (paced) own.upload = body;
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, paced ? nullptr : body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    Append(own.headers, "Expect:");
  }
  std::string text;
  for (const auto& header : headers_) {
    text.clear();
    header.Expand(plan_.seed, turn, text);
    Append(own.headers, text.c_str());
  }
  if (!plan_.wire.keep_alive && !plan_.wire.extras.http2) Append(own.headers, "Connection: close");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, own.headers.get());
}

/// Over 301 and 302 only POST becomes GET, over 303 all but HEAD (RFC 9110, sections 15.4.2 to 15.4.4).
void CurlRequest::ApplyMethod(CURL* easy) const {
  const bool head = target_.method == "HEAD";
  curl_easy_setopt(easy, target_.body ? CURLOPT_POST : head ? CURLOPT_NOBODY : CURLOPT_HTTPGET, 1L);
  const char* usual = target_.body ? "POST" : head ? "HEAD" : "GET";
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, target_.method == usual ? nullptr : target_.method.c_str());
  curl_easy_setopt(easy, CURLOPT_POSTREDIR, target_.method == "POST" ? 0L : head ? kKeepHead : kKeepMethod);
}

}  // namespace hydrapool::loadgen
