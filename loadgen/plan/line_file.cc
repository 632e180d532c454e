#include "loadgen/plan/line_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "loadgen/plan/text_file.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::string_view kOpen = "{line:";
constexpr std::size_t kShown = 80;

bool Allowed(char c, Place place) {
  const auto code = static_cast<unsigned char>(c);
  if (place == Place::kBody) return true;
  if (place == Place::kHeader) return c == '\t' || (code >= 0x20 && code != 0x7f);
  return code > 0x20 && code != 0x7f && (c != '#' || place == Place::kUser);
}

sys::Result<void> CheckLines(const std::string& path, const Lines& lines, Place place) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty()) return sys::Failure(fmt::format("{}:{}: an empty line", path, i + 1));
    if (std::ranges::all_of(lines[i], [place](char c) { return Allowed(c, place); })) continue;
    return sys::Failure(fmt::format(
        "{}:{}: {}", path, i + 1,
        place == Place::kHeader ? "a header has no control characters"
                                : "a URL has neither blanks nor control characters, and is sent without #"));
  }
  return {};
}

}  // namespace

sys::Result<Lines> ReadLines(const std::string& path) {
  const auto text = ReadText(path);
  if (!text) return tl::unexpected(text.error());
  Lines lines;
  for (std::size_t begin = 0; begin < text->size();) {
    const auto end = std::min(text->find('\n', begin), text->size());
    lines.push_back(text->substr(begin, end - begin));
    if (lines.back().ends_with('\r')) lines.back().pop_back();
    begin = end + 1;
  }
  if (lines.empty()) return sys::Failure(path + " has no lines");
  return lines;
}

sys::Result<void> LoadLines(std::string_view text, Place place, LineFiles& files) {
  for (auto at = text.find(kOpen); at != text.npos; at = text.find(kOpen, at + 1)) {
    const auto end = text.find('}', at);
    if (end == text.npos) return sys::Failure(fmt::format("'{}' lacks its }}", text.substr(at, kShown)));
    const std::string path(text.substr(at + kOpen.size(), end - at - kOpen.size()));
    if (!files.contains(path)) {
      auto lines = ReadLines(path);
      if (!lines) return tl::unexpected(lines.error());
      files.emplace(path, std::make_shared<const Lines>(std::move(*lines)));
    }
    if (auto checked = CheckLines(path, *files.at(path), place); !checked) return checked;
  }
  return {};
}

}  // namespace hydrapool::loadgen
