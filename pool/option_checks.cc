#include "pool/option_checks.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <string_view>

#include "pool/cgi/guards.h"
#include "pool/cgi/mounts.h"
#include "pool/cgi/percent.h"
#include "pool/cgi/program_rules.h"
#include "pool/cgi/script_path.h"
#include "pool/http/ip_address.h"
#include "pool/sys/socket.h"
#include "pool/sys/units.h"

namespace hydrapool::server {
namespace {

constexpr sys::Nanos kLeastPatience = 100 * sys::kMillisecond;
constexpr sys::Nanos kMostPatience = 24 * 3600 * sys::kSecond;

/// Where the options of "unix:/run/a,b.sock,mode=660" begin: at the first comma of the last name with WORD=
/// behind it. Another comma is the name's.
std::size_t OptionsOfSocket(const std::string& text) {
  const auto is_letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
  for (auto comma = text.find(',', text.rfind('/')); comma != text.npos; comma = text.find(',', comma + 1)) {
    const auto word = text.begin() + static_cast<std::ptrdiff_t>(comma) + 1;
    const auto end = std::find_if_not(word, text.end(), is_letter);
    if (end != word && end != text.end() && *end == '=') return comma;
  }
  return text.npos;
}

}  // namespace

std::string NameAndValue(const std::string& text) {
  const auto equals = text.find('=');
  return equals == text.npos || equals == 0 ? "'" + text + "' is not NAME=VALUE" : "";
}

std::string Mode(const std::string& text) {
  const bool octal = !text.empty() && text.size() <= 4 && text.find_first_not_of("01234567") == text.npos;
  return octal ? "" : "'" + text + "' is no mode as chmod takes it: 660";
}

std::string Address(const std::string& text) {
  constexpr std::size_t kLongestPath = 107;  // sun_path of unix(7)
  constexpr std::size_t kUnix = std::string_view("unix:").size();
  if (text.starts_with("unix:/") && text.size() - kUnix > kLongestPath)
    return "'" + text + "': a path of more than 107 bytes is none of a UNIX socket";
  const bool known = text.starts_with("unix:/") || sys::SplitHostPort(text);
  return known ? "" : "'" + text + "' is not HOST:PORT, :PORT or unix:/PATH";
}

sys::Result<ListenAt> ListenAt::Parse(const std::string& text) {
  const auto comma = text.starts_with("unix:") ? OptionsOfSocket(text) : text.npos;
  ListenAt at{.address = text.substr(0, comma)};
  for (auto begin = comma; begin < text.size();) {
    const auto end = std::min(text.find(',', begin + 1), text.size());
    const std::string option = text.substr(begin + 1, end - begin - 1);
    begin = end;
    if (option.starts_with("mode=") && !at.mode) {
      const std::string mode = option.substr(5);
      if (!Mode(mode).empty()) return sys::Failure(Mode(mode));
      at.mode = static_cast<mode_t>(std::stoul(mode, nullptr, 8));
    } else if (option.starts_with("owner=") && !at.owner) {
      const auto user = sys::FindUser(option.substr(6));
      if (!user) return sys::Failure(user.error().message);
      at.owner = *user;
    } else {
      return sys::Failure("'" + text + "': '" + option +
                          "' is no option of a UNIX socket: mode=OCTAL and owner=NAME, each once");
    }
  }
  const std::string& where = at.address;
  const bool handed = where == "systemd" || (where.starts_with("systemd:") && where.size() > 8);
  if (handed || Address(where).empty()) return at;
  const bool is_path = where.starts_with("unix:/");
  return sys::Failure(Address(where) +
                      (is_path ? "" : " (with ,mode=OCTAL,owner=NAME behind it), or systemd[:NAME]"));
}

std::string ListenAddress(const std::string& text) {
  const auto at = ListenAt::Parse(text);
  return at ? "" : at.error().message;
}

std::string MountLine(const std::string& text) {
  const auto mount = cgi::Mount::Parse(text);
  return mount ? "" : mount.error().message;
}

std::string GuardLine(const std::string& text) {
  const auto guard = cgi::Guard::Parse(text);
  return guard ? "" : guard.error().message;
}

std::string AllowLine(const std::string& text) {
  const auto guard = cgi::Guard::ParseAllowed(text);
  return guard ? "" : guard.error().message;
}

std::string LimitLine(const std::string& text) {
  cgi::ResourceLimits ignored;
  const auto set = cgi::SetLimit(ignored, text);
  return set ? "" : set.error().message;
}

std::string RuleLine(const std::string& text) {
  const auto rule = cgi::ProgramRule::Parse(text);
  return rule ? "" : rule.error().message;
}

std::string Realm(const std::string& text) {
  const bool plain =
      std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; });
  return plain && !text.empty() ? "" : "'" + text + "' is no plain text without quotes";
}

std::string FileName(const std::string& text) {
  const bool plain = !text.empty() && text.find('/') == text.npos && text.front() != '.';
  return plain ? "" : "'" + text + "' is no name of a file";
}

std::string TrustedPeer(const std::string& text) {
  const bool known = http::TrustedPeers().Add(text);
  return known ? "" : "'" + text + "' is no address, no network as 10.0.0.0/8, and not 'unix'";
}

std::string Patience(const std::string& text) {
  const auto time = sys::ParseDuration(text);
  if (!time) return time.error().message;
  const bool sane = *time >= kLeastPatience && *time <= kMostPatience;
  return sane ? "" : "'" + text + "' is not between 100ms and 24h";
}

sys::Result<sys::Nanos> ParseTimeOrNever(const std::string& text) {
  if (text == "0" || text == "0s") return 0;
  return sys::ParseDuration(text);
}

std::string TimeOrNever(const std::string& text) {
  const auto time = ParseTimeOrNever(text);
  if (!time) return time.error().message;
  return *time <= kMostPatience ? "" : "'" + text + "' is not between 0 and 24h";
}

std::string Truth(const std::string& text) {
  constexpr std::array<std::string_view, 8> kWords{"true", "false", "1", "0", "yes", "no", "on", "off"};
  return std::ranges::find(kWords, text) != kWords.end() ? "" : "'" + text + "' is neither true nor false";
}

std::string KnownUser(const std::string& text) {
  const auto user = sys::FindUser(text);
  return user ? "" : user.error().message;
}

std::string Prefix(const std::string& text) {
  if (!text.starts_with('/') || !text.ends_with('/')) return "'" + text + "' does not begin and end with '/'";
  const bool is_clean = cgi::Folded(text) == text.substr(0, text.size() - 1) && !cgi::HasEscape(text);
  return is_clean ? "" : "'" + text + "' is no path without '.', '..', '//' and escapes (%20)";
}

}  // namespace hydrapool::server
