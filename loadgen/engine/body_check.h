#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "loadgen/engine/inflater.h"
#include "loadgen/plan/plan.h"
#include "pool/http/response_reader.h"

namespace hydrapool::loadgen {

/// Whether a response's body is the one the plan expects: its SHA-256 and its end, and how long it is, which
/// an engine that does not keep bodies can only know by looking at them as they pass. They are those of the
/// decoded body: without its chunks, and without a Content-Encoding of gzip or deflate. A body in another
/// encoding, or that cannot be decoded, is not the expected one.
///
///     check.Begin(head.content_coding());
///     … check.Feed(bytes) …
///     if (!check.Passed()) …                 // once for each Begin
///
/// One thread's.
class BodyCheck final : public http::BodySink {
 public:
  /// `plan` must outlive it.
  explicit BodyCheck(const Plan& plan);

  /// There is anything to look at; otherwise the calls below may be left out.
  [[nodiscard]] bool needed() const { return sha256_ || !expect_.end.empty() || expect_.length; }
  void Begin(std::string_view content_coding) override;
  void Feed(std::string_view bytes) override;
  /// How long the decoded body was.
  [[nodiscard]] std::uint64_t length() const { return length_; }
  [[nodiscard]] bool Passed() { return !needed() || Matches(); }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const;
  };

  void Take(std::string_view decoded);
  [[nodiscard]] bool Matches();

  const Expectation& expect_;
  std::unique_ptr<EVP_MD_CTX, Free> sha256_;
  Inflater inflater_;
  bool encoded_ = false;
  bool readable_ = true;
  std::uint64_t length_ = 0;
  std::string end_;  // as much of the body's as is to be compared
};

}  // namespace hydrapool::loadgen
