#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/plan/plan.h"

namespace hydrapool::loadgen {

/// A text with places in it for what differs from request to request: a URL, a header, a body.
///
///   {counter}    the request's number in the run, from 0; no two requests of a run have the same
///   {random}     16 hexadecimal digits, the same for the same seed and number
///   {line:FILE}  a line of FILE: with n lines the (number mod n)-th, from 0
///   {brace}      "{", which begins no place
///   {NAME}       in sessions, a value of an earlier response (scenario.h)
///
///     TextTemplate("/item?id={counter}", {}).Expand(seed, 7, out);   // appends "/item?id=7"
///
/// Expanding allocates no memory where `out` has room. Pure.
class TextTemplate {
 public:
  using Values = std::span<const std::string>;

  /// All must outlive the template. `lines` has what "{line:…}" names (line_file.h), `names` the names of
  /// values; what they lack is text.
  TextTemplate(std::string_view text, const LineFiles& lines, Values names = {});
  static TextTemplate OfBody(const Body& body, const LineFiles& lines, Values names = {});

  /// Before that place the text is a URL's, and values become "%20" and the like where they must.
  void EncodeBefore(std::size_t end);

  /// Nothing differs.
  [[nodiscard]] bool constant() const { return places_.empty(); }
  /// `values` are as the names.
  void Expand(std::uint64_t seed, std::uint64_t turn, std::string& out, Values values = {}) const;
  /// How long the expanded text is.
  [[nodiscard]] std::size_t Length(std::uint64_t turn, Values values = {}) const;

 private:
  explicit TextTemplate(std::string_view constant) : text_(constant) {}

  enum class Kind { kCounter, kRandom, kLine, kValue, kBrace };
  struct Place {
    std::size_t at = 0;  // in text_
    std::size_t size = 0;
    Kind kind = Kind::kCounter;
    const Lines* lines = nullptr;
    std::size_t value = 0;  // its number
    bool encode = false;
  };
  static bool TakePlace(std::string_view text, const LineFiles& lines, Values names, Place& place);

  std::string_view text_;
  std::vector<Place> places_;
};

/// The template that expands to this text, whatever stands in it. Pure.
[[nodiscard]] std::string Literal(std::string_view text);

}  // namespace hydrapool::loadgen
