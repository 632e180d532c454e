#pragma once

#include <span>
#include <string>
#include <string_view>

namespace hydrapool::sys {

/// The one of `names` that was probably meant by `text`: fewest letters changed, added, dropped or swapped
/// with a neighbour, and at most a third of them (but one is always allowed). Empty where none is near. Pure.
[[nodiscard]] std::string_view NearestName(std::string_view text, std::span<const std::string_view> names);

/// "'randm' is none of all, busiest, random; did you mean 'random'?"
[[nodiscard]] std::string NoSuchName(std::string_view text, std::span<const std::string_view> names);

}  // namespace hydrapool::sys
