#pragma once

#include <cstdint>
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
///
///     TextTemplate("/item?id={counter}", {}).Expand(seed, 7, out);   // appends "/item?id=7"
///
/// Expanding allocates no memory where `out` has room. Pure.
class TextTemplate {
 public:
  /// `lines` has what "{line:…}" names (line_file.h) and must outlive the template; what it lacks is text.
  TextTemplate(std::string_view text, const LineFiles& lines);

  /// Nothing differs.
  [[nodiscard]] bool constant() const { return places_.empty(); }
  void Expand(std::uint64_t seed, std::uint64_t turn, std::string& out) const;
  /// How long the expanded text is.
  [[nodiscard]] std::size_t Length(std::uint64_t turn) const;

 private:
  enum class Kind { kCounter, kRandom, kLine };
  struct Place {
    std::size_t at = 0;  // in text_
    Kind kind = Kind::kCounter;
    const Lines* lines = nullptr;
  };
  static std::size_t TakePlace(std::string_view text, const LineFiles& lines, Place& place);

  std::string text_;  // without the places
  std::vector<Place> places_;
};

}  // namespace hydrapool::loadgen
