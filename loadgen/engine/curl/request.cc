#include "loadgen/engine/curl/request.h"

#include <algorithm>
#include <new>

namespace hydrapool::loadgen {
namespace {

void Append(CurlList& list, const char* header) {
  curl_slist* longer = curl_slist_append(list.get(), header);
  if (longer == nullptr) throw std::bad_alloc();
  static_cast<void>(list.release());
  list.reset(longer);
}

}  // namespace

CurlRequest::CurlRequest(const Plan& plan, std::size_t index)
    : plan_(plan),
      parts_(PartsOf(plan, index)),
      url_(plan.urls[index], plan.lines),
      user_(plan.users.empty() ? std::string_view() : plan.users[index], plan.lines),
      body_(parts_.body.value_or(""), plan.lines) {
  for (const auto& header : parts_.headers) headers_.emplace_back(header, plan.lines);
  constant_ = url_.constant() && user_.constant() && body_.constant() &&
              std::ranges::all_of(headers_, &TextTemplate::constant);
}

void CurlRequest::Apply(CURL* easy, std::uint64_t turn, CurlRequestBuffers& own) const {
  own = {};
  url_.Expand(plan_.seed, turn, own.url);
  curl_easy_setopt(easy, CURLOPT_URL, own.url.c_str());
  user_.Expand(plan_.seed, turn, own.user);
  if (own.user.empty()) own.user = plan_.extras.user;
  curl_easy_setopt(easy, CURLOPT_USERPWD, own.user.empty() ? nullptr : own.user.c_str());
  body_.Expand(plan_.seed, turn, own.body);
  ApplyMethod(easy);
  if (parts_.body) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, own.body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(own.body.size()));
    Append(own.headers, "Expect:");
  }
  std::string text;
  for (const auto& header : headers_) {
    text.clear();
    header.Expand(plan_.seed, turn, text);
    Append(own.headers, text.c_str());
  }
  if (!plan_.keep_alive && !plan_.extras.http2) Append(own.headers, "Connection: close");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, own.headers.get());
}

void CurlRequest::ApplyMethod(CURL* easy) const {
  const bool head = parts_.method == "HEAD";
  curl_easy_setopt(easy, parts_.body ? CURLOPT_POST : head ? CURLOPT_NOBODY : CURLOPT_HTTPGET, 1L);
  const char* usual = parts_.body ? "POST" : head ? "HEAD" : "GET";
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, parts_.method == usual ? nullptr : parts_.method.c_str());
}

}  // namespace hydrapool::loadgen
