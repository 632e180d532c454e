#include "loadgen/report/transcript.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "loadgen/report/terminal_text.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::size_t kBytesOfALine = 16;
constexpr std::string_view kInterim = "HTTP/1.1 1";

std::string_view TakeLine(std::string_view& text) {
  const auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string Everything(std::string_view line) { return Printable(line, line.size()); }

bool IsSecret(std::string_view name) {
  std::string small(name);
  std::ranges::transform(small, small.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return small.find("authorization") != small.npos || small == "cookie";
}

std::string WithoutCredentials(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == line.npos || !IsSecret(line.substr(0, colon))) return Everything(line);
  return fmt::format("{}: ***", line.substr(0, colon));
}

bool IsText(std::string_view body) {
  while (!body.empty()) {
    std::string line(TakeLine(body));
    std::erase(line, '\t');
    if (Everything(line) != line) return false;
  }
  return true;
}

std::string HexDump(std::string_view bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += kBytesOfALine) {
    const auto row = bytes.substr(at, kBytesOfALine);
    std::string digits;
    std::string letters;
    for (const char c : row) {
      digits += fmt::format(" {:02x}", static_cast<unsigned char>(c));
      letters += c >= ' ' && c <= '~' ? c : '.';
    }
    text += fmt::format("{:08x} {:<48}  |{}|\n", at, digits, letters);
  }
  return text;
}

/// One message, or a part of one, and those behind it.
std::string MessageText(bool sent, std::string_view bytes) {
  std::string text;
  bool interim = true;
  while (interim && !bytes.empty()) {
    interim = !sent && bytes.starts_with(kInterim);
    for (bool first = true; !bytes.empty(); first = false) {
      const auto line = TakeLine(bytes);
      text += sent ? ">" : "<";
      if (!line.empty()) text += " " + (sent && !first ? WithoutCredentials(line) : Everything(line));
      text += "\n";
      if (line.empty()) break;
    }
  }
  return text + BodyText(bytes);
}

}  // namespace

std::string BodyText(std::string_view body) {
  if (body.empty()) return {};
  if (!IsText(body)) return HexDump(body);
  return std::string(body) + (body.ends_with('\n') ? "" : "\n");
}

void Transcript::Add(bool sent, std::string_view bytes) {
  if (parts_.empty() || parts_.back().sent != sent) parts_.push_back({.sent = sent, .bytes = {}});
  parts_.back().bytes += bytes;
}

std::string Transcript::Text() const {
  std::string text;
  for (const auto& part : parts_) text += MessageText(part.sent, part.bytes);
  return text;
}

}  // namespace hydrapool::loadgen
