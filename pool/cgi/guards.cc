#include "pool/cgi/guards.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "pool/cgi/percent.h"
#include "pool/cgi/script_path.h"
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

sys::Result<Guard> Guard::Parse(const std::string& text) {
  const auto equals = text.find("=/");
  if (!text.starts_with('/') || equals == text.npos)
    return sys::Failure("'" + text + "' is not /PATH=/HTPASSWD");
  std::string at = text.substr(0, equals);
  if (at.ends_with('/')) at.pop_back();
  if (Folded(at) != at)
    return sys::Failure("'" + text + "': '" + at + "' is no path without '.', '..' and '//'");
  return Guard{.at = std::move(at), .file = text.substr(equals + 1)};
}

std::optional<Credentials> Credentials::Parse(std::string_view field) {
  const auto blank = field.find(' ');
  if (blank == field.npos || !http::EqualsIgnoringCase(field.substr(0, blank), kScheme)) return std::nullopt;
  const auto decoded = DecodeBase64(http::TrimBlanks(field.substr(blank)));
  if (!decoded || HasControls(*decoded)) return std::nullopt;
  const auto colon = decoded->find(':');
  if (colon == decoded->npos || colon == 0) return std::nullopt;
  return Credentials{.user = decoded->substr(0, colon), .password = decoded->substr(colon + 1)};
}

Guards::Guards(const std::vector<Guard>& guards, std::string realm)
    : challenge_(fmt::format("WWW-Authenticate: Basic realm=\"{}\", charset=\"UTF-8\"\r\n", realm)) {
  std::map<std::string, std::shared_ptr<Passwords>> files;
  for (const Guard& guard : guards) {
    auto& passwords = files[guard.file];
    if (passwords == nullptr) passwords = std::make_shared<Passwords>(guard.file);
    points_.push_back({guard.at, passwords});
  }
  std::ranges::stable_sort(points_, [](const Point& a, const Point& b) { return a.at.size() > b.at.size(); });
}

const Guards::Point* Guards::PointOf(std::string_view path) const {
  if (points_.empty() || !path.starts_with('/')) return nullptr;
  const auto decoded = DecodePath(path, true);
  const auto holds = [](std::string_view whole, std::string_view at) {
    return whole.starts_with(at) && (whole.size() == at.size() || whole[at.size()] == '/');
  };
  // What cannot be decoded is refused by whoever would have it; until then it is what it looks like.
  const std::string folded = Folded(decoded ? *decoded : std::string(path));
  const auto found =
      std::ranges::find_if(points_, [&](const Point& point) { return holds(folded, point.at); });
  return found == points_.end() ? nullptr : &*found;
}

bool Guards::Passes(const http::Request& request) {
  const Point* const point = PointOf(request.path);
  if (point == nullptr) return true;
  const auto credentials = Credentials::Parse(request.Find("Authorization").value_or(""));
  return credentials && point->passwords->Check(credentials->user, credentials->password);
}

std::optional<std::string> Guards::UserOf(const http::Request& request) const {
  if (PointOf(request.path) == nullptr) return std::nullopt;
  const auto credentials = Credentials::Parse(request.Find("Authorization").value_or(""));
  return credentials ? std::optional(credentials->user) : std::nullopt;
}

}  // namespace hydrapool::cgi
