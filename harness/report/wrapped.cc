#include "harness/report/wrapped.h"

#include <algorithm>

namespace hydrapool::harness {
namespace {

/// "  load       http" → 13; "    lost: 3" → 4.
std::size_t IndentOf(std::string_view line) {
  constexpr std::size_t kLabels = 16;
  const auto label = std::min(line.find_first_not_of(' '), line.size());
  const auto gap = line.find("  ", label);
  const auto value = gap == line.npos ? line.npos : line.find_first_not_of(' ', gap);
  return value <= kLabels ? value : label;
}

std::string WrappedLine(std::string_view line, std::size_t columns) {
  std::string text;
  const std::size_t indent = IndentOf(line);
  std::size_t room = columns;
  while (line.size() > room) {
    auto end = line.rfind(' ', room);
    if (end == line.npos || (text.empty() && end < indent)) end = line.find(' ', room);
    if (end == line.npos) break;
    text += std::string(line.substr(0, end)) + "\n" + std::string(indent, ' ');
    line.remove_prefix(end + 1);
    room = columns - std::min(indent, columns - 1);
  }
  return text + std::string(line);
}

}  // namespace

std::string Wrapped(std::string_view text, std::size_t columns) {
  std::string wrapped;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    wrapped += WrappedLine(text.substr(0, end), columns);
    if (end < text.size()) wrapped += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return wrapped;
}

}  // namespace hydrapool::harness
