#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace hydrapool::loadgen {

/// A request's body, or none. Copies share the text, so that a large one is in memory once.
///
///     Target{.method = "PUT", .body = "n={counter}"}
///     Target{.method = "PUT", .body = Body::AsItIs(bytes)}      // nothing in it is replaced
class Body {
 public:
  Body() = default;
  Body(std::string text) : text_(std::make_shared<const std::string>(std::move(text))) {}  // NOLINT
  Body(const char* text) : Body(std::string(text)) {}                                      // NOLINT
  static Body AsItIs(std::string bytes) {
    Body body(std::move(bytes));
    body.as_it_is_ = true;
    return body;
  }

  explicit operator bool() const { return text_ != nullptr; }
  [[nodiscard]] bool as_it_is() const { return as_it_is_; }
  /// Empty where there is no body. Valid as long as one of the copies is there.
  [[nodiscard]] std::string_view text() const { return text_ ? *text_ : std::string_view(); }
  bool operator==(std::string_view text) const { return text_ != nullptr && *text_ == text; }

 private:
  std::shared_ptr<const std::string> text_;
  bool as_it_is_ = false;
};

}  // namespace hydrapool::loadgen
