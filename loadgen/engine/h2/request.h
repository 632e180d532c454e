#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/plan/http_url.h"
#include "loadgen/plan/plan.h"
#include "loadgen/plan/text_template.h"

namespace hydrapool::loadgen {

/// What one request over HTTP/2 needs that is not the same as the others.
struct H2RequestBuffers {
  std::vector<nghttp2_nv> fields = {};
  std::string text = {};  ///< Their values, up to these ends,
  std::vector<std::size_t> ends = {};
  std::string length = {};  ///< and of those that are reckoned.
  std::string authorization = {};
  std::string body = {};
};

/// The requests to one of the plan's targets: the fields that the raw engine would send, as HTTP/2 has them
/// (RFC 9113, section 8.3). Host is :authority, names are in small letters; what speaks of the connection or
/// of the framing (Connection, Keep-Alive, Transfer-Encoding, Upgrade …) has no place there and is left out.
///
/// Where nothing differs from request to request nothing is copied. Pure. `plan` must outlive it.
class H2Request {
 public:
  H2Request(const Plan& plan, const Target& target, const HttpUrl& url);
  H2Request(const H2Request&) = delete;
  H2Request& operator=(const H2Request&) = delete;

  /// The fields of the `turn`-th request of the run; in `own` where they are not the same as the others.
  [[nodiscard]] std::span<const nghttp2_nv> Fields(std::uint64_t turn, H2RequestBuffers& own) const;
  /// Its body; in `own` likewise.
  [[nodiscard]] std::string_view BodyOf(std::uint64_t turn, H2RequestBuffers& own) const;
  [[nodiscard]] bool has_body() const { return has_body_; }

 private:
  struct Field {
    std::string name;
    std::string value;
  };
  void Collect(const Target& target, const HttpUrl& url);
  void Add(std::string name, std::string value) { texts_.push_back({std::move(name), std::move(value)}); }

  const Plan& plan_;
  bool has_body_;
  std::string basic_;  // "user:password" for Authorization
  std::vector<Field> texts_;
  std::vector<TextTemplate> values_;  // of texts_
  TextTemplate user_;
  TextTemplate body_;
  std::string_view constant_body_;  // where it is
  bool says_length_;
  std::vector<nghttp2_nv> constant_;  // empty where fields differ
};

}  // namespace hydrapool::loadgen
