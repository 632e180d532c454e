#include "loadgen/page/page.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "loadgen/page/parts.h"

namespace hydrapool::page {
namespace {

using Json = nlohmann::ordered_json;

std::string Escaped(std::string_view text) {
  std::string html;
  for (const char c : text) {
    if (c == '<') {
      html += "&lt;";
    } else if (c == '&') {
      html += "&amp;";
    } else {
      html += c;
    }
  }
  return html;
}

}  // namespace

std::string JsonForHtml(const Json& json) {
  std::string html;
  for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    if (c == '<') {
      html += "\\u003c";
    } else {
      html += c;
    }
  }
  return html;
}

std::string HtmlPage(const std::string& title, const Json& data, const PageParts& parts) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n"
      "<style>\n{}\n{}{}</style>\n</head>\n<body>\n{}<script type=\"application/json\" "
      "id=\"data\">{}</script>\n"
      "<script>\n{}\n</script>\n<script>\n{}{}</script>\n</body>\n</html>\n",
      Escaped(title), kDygraphsStyle, kStyle, parts.style, parts.body, JsonForHtml(data), kDygraphsScript,
      kScript, parts.script);
}

}  // namespace hydrapool::page
