// What browsers and administrators write of users: Basic credentials, lines of an htpasswd file.
#include <algorithm>
#include <utility>

#include "pool/cgi/guards.h"
#include "pool/cgi/passwords.h"
#include "pool/http/text.h"

namespace hydrapool::cgi {
namespace {

constexpr std::string_view kScheme = "Basic";

std::optional<std::string> DecodeBase64(std::string_view text) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::string decoded;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.size() - padding)) {
    const auto value = letters.find(c);
    if (value == letters.npos) return std::nullopt;
    bits = bits << 6 | static_cast<unsigned>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    decoded += static_cast<char>(bits >> count & 0xff);
  }
  return decoded;
}

bool HasControls(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

std::optional<Credentials> Credentials::Parse(std::string_view field) {
  const auto blank = field.find(' ');
  if (blank == field.npos || !http::EqualsIgnoringCase(field.substr(0, blank), kScheme)) return std::nullopt;
  const auto decoded = DecodeBase64(http::TrimBlanks(field.substr(blank)));
  if (!decoded || HasControls(*decoded)) return std::nullopt;
  const auto colon = decoded->find(':');
  if (colon == decoded->npos || colon == 0) return std::nullopt;
  return Credentials{.user = decoded->substr(0, colon), .password = decoded->substr(colon + 1)};
}

std::optional<UserLine> UserLine::Parse(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty() || line.front() == '#') return UserLine{};
  const auto colon = line.find(':');
  if (colon == 0 || colon == line.npos) return std::nullopt;
  const std::string_view rest = line.substr(colon + 1);
  return UserLine{.user = std::string(line.substr(0, colon)),
                  .hash = std::string(rest.substr(0, rest.find(':')))};
}

}  // namespace hydrapool::cgi
