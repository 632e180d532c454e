#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hydrapool::loadgen {

/// What a server or a file says, made harmless to show on a terminal or in a log: each byte that belongs to
/// no character of UTF-8, each control character (of ASCII and of Latin-1, which may begin escape sequences)
/// and each character that turns the direction of text becomes '?'. Longer ones end in "…" after `most`
/// columns. Pure.
std::string Printable(std::string_view text, std::size_t most = 400);

/// How many columns a line of UTF-8 takes: escape sequences none, everything else one. Pure.
[[nodiscard]] std::size_t Columns(std::string_view line);

/// The first `columns` columns of a line. Pure.
[[nodiscard]] std::string Cut(std::string_view line, std::size_t columns);

/// `text` and blanks up to `columns` columns. Pure.
[[nodiscard]] std::string Padded(std::string text, std::size_t columns);

/// Breaks the lines of `text` that are longer than `columns` at their blanks; what is broken off goes on
/// below, `indent` columns in. A word that is longer than a line is left whole, so that a URL can still be
/// copied. Pure.
[[nodiscard]] std::string Wrap(std::string_view text, std::size_t columns, std::size_t indent);

/// Whether `a` comes before `b` as people sort: "worker-2" before "worker-10". Pure.
[[nodiscard]] bool ComesBefore(std::string_view a, std::string_view b);

/// The pairs of a map in that order; they point into it.
template <typename Map>
[[nodiscard]] auto Sorted(const Map& map) {
  std::vector<std::pair<std::string_view, std::reference_wrapper<const typename Map::mapped_type>>> pairs(
      map.begin(), map.end());
  std::ranges::sort(pairs, [](const auto& a, const auto& b) { return ComesBefore(a.first, b.first); });
  return pairs;
}

}  // namespace hydrapool::loadgen
