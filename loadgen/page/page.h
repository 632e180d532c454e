#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace hydrapool::page {

/// What one kind of page has beside what all have.
struct PageParts {
  std::string_view body;
  std::string_view script;
  std::string_view style = {};
};

/// A page of ours, as one HTML file that needs nothing else, light or dark as the reader prefers. Its script
/// finds `data` as a constant of that name, and the functions of common.js. All that came from outside is
/// in that data, in a block of JSON in which no tag can end, and is to reach the page as text only. Pure.
[[nodiscard]] std::string HtmlPage(const std::string& title, const nlohmann::ordered_json& data,
                                   const PageParts& parts);

/// JSON that may stand in a <script> element. Pure.
[[nodiscard]] std::string JsonForHtml(const nlohmann::ordered_json& json);

}  // namespace hydrapool::page
