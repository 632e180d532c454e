#include "pool/files/media_types.h"

#include <array>
#include <fstream>
#include <sstream>
#include <utility>

#include "pool/http/text.h"

namespace hydrapool::files {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 20> kBuiltIn{
    {{"html", "text/html"},      {"htm", "text/html"},
     {"css", "text/css"},        {"js", "text/javascript"},
     {"mjs", "text/javascript"}, {"json", "application/json"},
     {"txt", "text/plain"},      {"md", "text/markdown"},
     {"xml", "application/xml"}, {"svg", "image/svg+xml"},
     {"png", "image/png"},       {"gif", "image/gif"},
     {"jpg", "image/jpeg"},      {"jpeg", "image/jpeg"},
     {"webp", "image/webp"},     {"ico", "image/vnd.microsoft.icon"},
     {"woff", "font/woff"},      {"woff2", "font/woff2"},
     {"pdf", "application/pdf"}, {"wasm", "application/wasm"}}};

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = http::ToLower(c);
  return lower;
}

bool IsValue(std::string_view text) {
  for (const char c : text)
    if (!http::Is(http::kValueChar, c)) return false;
  return text.find('/') != text.npos;
}

}  // namespace

MediaTypes::MediaTypes(const std::string& table) {
  for (const auto& [ending, type] : kBuiltIn) types_.emplace(ending, type);
  std::ifstream file(table);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string type;
    if (!(words >> type) || !IsValue(type)) continue;
    for (std::string ending; words >> ending;) types_.insert_or_assign(Lower(ending), type);
  }
}

std::string_view MediaTypes::Of(std::string_view name) const {
  constexpr std::string_view unknown = "application/octet-stream";
  name = name.substr(name.rfind('/') + 1);
  const auto dot = name.rfind('.');
  if (dot == name.npos || dot == 0) return unknown;
  const auto found = types_.find(Lower(name.substr(dot + 1)));
  return found == types_.end() ? unknown : std::string_view(found->second);
}

}  // namespace hydrapool::files
