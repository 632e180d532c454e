#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "loadgen/plan/plan.h"

namespace hydrapool::loadgen {

/// Whether a response's decoded body is the one the plan expects: its SHA-256 and its end, which an engine
/// that does not keep bodies can only know by looking at them as they pass.
///
///     check.Begin();
///     … check.Feed(bytes) …
///     if (!check.Passed()) …                 // once for each Begin
///
/// One thread's.
class BodyCheck {
 public:
  /// `plan` must outlive it.
  explicit BodyCheck(const Plan& plan);

  /// There is anything to look at; otherwise the calls below may be left out.
  [[nodiscard]] bool needed() const { return sha256_ || !plan_.expect.end.empty(); }
  void Begin();
  void Feed(std::string_view bytes);
  [[nodiscard]] bool Passed() { return !needed() || Matches(); }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const;
  };

  [[nodiscard]] bool Matches();

  const Plan& plan_;
  std::unique_ptr<EVP_MD_CTX, Free> sha256_;
  std::string end_;  // as much of the body's as is to be compared
};

}  // namespace hydrapool::loadgen
