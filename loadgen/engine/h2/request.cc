#include "loadgen/engine/h2/request.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "loadgen/plan/base64.h"
#include "loadgen/plan/header_lines.h"

namespace hydrapool::loadgen {
namespace {

/// They speak of the connection (RFC 9113, section 8.2.2), or are told otherwise here.
constexpr std::array<std::string_view, 7> kLeftOut = {
    "connection", "host", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te"};
constexpr std::string_view kBasic = "Basic ";

std::string Small(std::string_view name) {
  std::string text(name);
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// nghttp2 reads them only.
std::uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

nghttp2_nv FieldOf(std::string_view name, std::string_view value, int flags) {
  return {.name = Bytes(name),
          .value = Bytes(value),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = static_cast<std::uint8_t>(flags)};
}

}  // namespace

H2Request::H2Request(const Plan& plan, const Target& target, const HttpUrl& url)
    : plan_(plan),
      has_body_(target.body),
      basic_(!url.user.empty() ? url.user : UserOf(plan, target)),
      user_(basic_, plan.lines),
      body_(TextTemplate::OfBody(target.body, plan.lines)),
      constant_body_(target.body.text()),
      says_length_(target.body && !Mentions(target, "Content-Length")) {
  Collect(target, url);
  for (const auto& field : texts_) values_.emplace_back(field.value, plan.lines);
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    if (texts_[i].name == ":path") values_[i].EncodeBefore(texts_[i].value.size());
  }
  if (!user_.constant() || !body_.constant() ||
      !std::ranges::all_of(values_, [](const TextTemplate& value) { return value.constant(); }))
    return;
  if (says_length_) Add("content-length", std::to_string(constant_body_.size()));
  if (!basic_.empty()) Add("authorization", std::string(kBasic) + ToBase64(basic_));
  constexpr int kAsTheyAre = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
  for (const auto& field : texts_) constant_.push_back(FieldOf(field.name, field.value, kAsTheyAre));
}

void H2Request::Collect(const Target& target, const HttpUrl& url) {
  std::string authority = url.authority;
  for (const auto& header : target.headers) {
    const auto value = std::string_view(header).substr(NameOf(header).size());
    if (http::EqualsIgnoringCase(NameOf(header), "host") && value.size() > 1)
      authority = http::TrimBlanks(value.substr(1));
  }
  Add(":method", target.method);
  Add(":scheme", url.scheme);
  Add(":authority", std::move(authority));
  Add(":path", url.target);
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!Mentions(target, name)) Add(std::string(name), std::string(value));
  };
  add("user-agent", "loadgen");
  add("accept", "*/*");
  if (has_body_) add("content-type", "application/x-www-form-urlencoded");
  for (const auto& header : target.headers) {
    auto name = Small(NameOf(header));
    const auto rest = std::string_view(header).substr(name.size());
    if (std::ranges::find(kLeftOut, name) != kLeftOut.end()) continue;
    const auto value = http::TrimBlanks(rest.substr(std::min<std::size_t>(rest.size(), 1)));
    if (rest == ";" || !value.empty()) Add(std::move(name), std::string(value));
  }
}

std::span<const nghttp2_nv> H2Request::Fields(std::uint64_t turn, H2RequestBuffers& own) const {
  if (!constant_.empty()) return constant_;
  own.text.clear();
  std::vector<std::size_t>& ends = own.ends;
  ends.clear();
  for (const auto& value : values_) {
    value.Expand(plan_.seed, turn, own.text);
    ends.push_back(own.text.size());
  }
  own.fields.clear();
  std::string_view text = own.text;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    own.fields.push_back(
        FieldOf(texts_[i].name, text.substr(begin, ends[i] - begin), NGHTTP2_NV_FLAG_NO_COPY_NAME));
    begin = ends[i];
  }
  if (says_length_) {
    own.length = std::to_string(body_.Length(turn));
    own.fields.push_back(FieldOf("content-length", own.length, NGHTTP2_NV_FLAG_NO_COPY_NAME));
  }
  if (!basic_.empty()) {
    std::string user;
    user_.Expand(plan_.seed, turn, user);
    own.authorization = std::string(kBasic) + ToBase64(user);
    own.fields.push_back(FieldOf("authorization", own.authorization, NGHTTP2_NV_FLAG_NO_COPY_NAME));
  }
  return own.fields;
}

std::string_view H2Request::BodyOf(std::uint64_t turn, H2RequestBuffers& own) const {
  if (body_.constant()) return constant_body_;
  own.body.clear();
  body_.Expand(plan_.seed, turn, own.body);
  return own.body;
}

}  // namespace hydrapool::loadgen
