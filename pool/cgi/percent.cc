#include "pool/cgi/percent.h"

#include <algorithm>

namespace hydrapool::cgi {
namespace {

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

std::optional<std::string> DecodePath(std::string_view encoded, bool slashes) {
  std::string decoded;
  decoded.reserve(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    char c = encoded[i];
    if (c == '%') {
      if (encoded.size() - i < 3) return std::nullopt;
      const int high = HexValue(encoded[i + 1]);
      const int low = HexValue(encoded[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      if (c == '/' && !slashes) return std::nullopt;
      i += 2;
    }
    if (IsControl(c)) return std::nullopt;
    decoded += c;
  }
  return decoded;
}

bool HasEscape(std::string_view path) {
  if (std::ranges::any_of(path, IsControl)) return true;
  for (auto at = path.find('%'); at != path.npos; at = path.find('%', at + 1)) {
    if (at + 2 < path.size() && HexValue(path[at + 1]) >= 0 && HexValue(path[at + 2]) >= 0) return true;
  }
  return false;
}

}  // namespace hydrapool::cgi
