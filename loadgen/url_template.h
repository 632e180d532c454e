#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace loadgen {

/// A text with a place in it for what differs from request to request:
///
///   {counter}  the request's number in the run, from 0; no two requests of a run have the same
///   {random}   16 hexadecimal digits, the same for the same seed and number
///
///     UrlTemplate("/item?id={counter}").Expand(seed, 7, out);   // appends "/item?id=7"
///
/// Expanding allocates no memory where `out` has room. Pure.
class UrlTemplate {
 public:
  explicit UrlTemplate(std::string_view text);

  /// Nothing differs.
  [[nodiscard]] bool constant() const { return places_.empty(); }
  void Expand(std::uint64_t seed, std::uint64_t turn, std::string& out) const;

 private:
  struct Place {
    std::size_t at;  // in text_
    bool random;
  };

  std::string text_;  // without the places
  std::vector<Place> places_;
};

}  // namespace loadgen
