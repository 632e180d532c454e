#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Forms as browsers send them.
namespace hydrapool::loadgen {

using FormPairs = std::vector<std::pair<std::string, std::string>>;

/// "%26" of "&": all but letters, digits, "-._~" and what is in `but`. Pure.
[[nodiscard]] std::string PercentEncoded(std::string_view text, std::string_view but = {});
/// "a=1&b=%26", application/x-www-form-urlencoded. Pure.
[[nodiscard]] std::string FormText(const FormPairs& pairs);

/// A body of multipart/form-data (RFC 7578) whose boundary is kMultipartBoundary; that must not stand in a
/// value. Pure.
inline constexpr std::string_view kMultipartBoundary = "loadgen-5f3a9c1e7b2d";
[[nodiscard]] std::string MultipartText(const FormPairs& fields);

}  // namespace hydrapool::loadgen
