#include "pool/access/line.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>

#include "pool/sys/utf8.h"

namespace hydrapool::access {
namespace {

using Text = Entry::Text;

constexpr int kClientLeft = 499;  // nginx's

std::string EscapedOne(Format format, std::string_view character) {
  const auto byte = static_cast<unsigned char>(character.front());
  const bool control =
      byte < 0x20 || byte == 0x7f ||
      (byte == 0xc2 && character.size() == 2 && static_cast<unsigned char>(character[1]) < 0xa0);
  if (character.front() == '"' || character.front() == '\\') return fmt::format("\\{}", character);
  if (!control) return std::string(character);
  const unsigned code = character.size() == 2 ? static_cast<unsigned char>(character[1]) : byte;
  return format == Format::kJson ? fmt::format("\\u{:04x}", code) : fmt::format("\\x{:02x}", code);
}

/// At most twice the text's longest, and three more: so that all of them fit a line.
std::string Escaped(Format format, const Entry& entry, Text which) {
  std::string_view text = entry.Get(which);
  const std::size_t most = std::size_t{2} * Entry::kMost[static_cast<std::size_t>(which)];
  std::string out;
  while (!text.empty()) {
    const std::size_t size = sys::CharacterAt(text);
    const std::string one = size > 0 ? EscapedOne(format, text.substr(0, size))
                                     : fmt::format("{}x{:02x}", format == Format::kJson ? "\\\\" : "\\",
                                                   static_cast<unsigned char>(text[0]));
    if (out.size() + one.size() > most) return out + "...";
    out += one;
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return entry.WasCut(which) ? out + "..." : out;
}

std::tm Broken(std::int64_t at, bool local) {
  const std::time_t seconds = at / sys::kSecond;
  std::tm broken{};
  local ? ::localtime_r(&seconds, &broken) : ::gmtime_r(&seconds, &broken);
  return broken;
}

std::string Combined(const Entry& entry, const Outcome& outcome, int status, std::uint64_t bytes) {
  const auto text = [&](Text which, std::string_view none = "-") {
    std::string escaped = Escaped(Format::kCombined, entry, which);
    return escaped.empty() ? std::string(none) : escaped;
  };
  const std::tm time = Broken(outcome.ended_at - outcome.duration, true);
  static constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const long zone = time.tm_gmtoff / 60;
  const std::string method = text(Text::kMethod);
  const std::string request =
      method == "-" ? text(Text::kTarget)
                    : fmt::format("{} {} HTTP/1.{}", method, text(Text::kTarget), entry.minor_version);
  std::string user = text(Text::kUser);
  std::ranges::replace(user, ' ', '_');
  return fmt::format("{} - {} [{:02}/{}/{}:{:02}:{:02}:{:02} {}{:02}{:02}] \"{}\" {} {} \"{}\" \"{}\"\n",
                     text(Text::kClient), user, time.tm_mday, kMonths[static_cast<std::size_t>(time.tm_mon)],
                     time.tm_year + 1900, time.tm_hour, time.tm_min, time.tm_sec, zone < 0 ? '-' : '+',
                     std::abs(zone) / 60, std::abs(zone) % 60, request, status, bytes, text(Text::kReferer),
                     text(Text::kAgent));
}

std::string Json(const Entry& entry, const Outcome& outcome, int status, std::uint64_t bytes) {
  const std::int64_t begun = outcome.ended_at - outcome.duration;
  const std::tm time = Broken(begun, false);
  std::string line = fmt::format("{{\"time\":\"{}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z\"",
                                 time.tm_year + 1900, time.tm_mon + 1, time.tm_mday, time.tm_hour,
                                 time.tm_min, time.tm_sec, begun % sys::kSecond / sys::kMillisecond);
  const auto add = [&](const char* name, Text which) {
    const std::string text = Escaped(Format::kJson, entry, which);
    if (!text.empty()) line += fmt::format(",\"{}\":\"{}\"", name, text);
  };
  add("id", Text::kId);
  add("client", Text::kClient);
  add("user", Text::kUser);
  add("method", Text::kMethod);
  add("target", Text::kTarget);
  if (!entry.Get(Text::kMethod).empty())
    line += fmt::format(",\"protocol\":\"HTTP/1.{}\"", entry.minor_version);
  line +=
      fmt::format(",\"status\":{},\"bytes\":{},\"sent\":{},\"duration\":{:.6f},\"worker\":\"{}.{}\"", status,
                  bytes, outcome.sent, sys::ToSeconds(outcome.duration), outcome.worker, outcome.incarnation);
  add("script", Text::kScript);
  if (outcome.exit && *outcome.exit < 256) line += fmt::format(",\"exit\":{}", *outcome.exit);
  if (outcome.exit && *outcome.exit >= 256) line += fmt::format(",\"signal\":{}", *outcome.exit - 256);
  line += fmt::format(",\"rescued\":{}", outcome.rescued);
  if (outcome.cut) line += ",\"cut\":true";
  add("referer", Text::kReferer);
  add("agent", Text::kAgent);
  return line + "}\n";
}

}  // namespace

std::string LineOf(Format format, const Entry& entry, const Outcome& outcome) {
  const int status = entry.status == 0 && outcome.cut ? kClientLeft : entry.status;
  const std::uint64_t bytes = outcome.sent - std::min<std::uint64_t>(outcome.sent, entry.head);
  return format == Format::kJson ? Json(entry, outcome, status, bytes)
                                 : Combined(entry, outcome, status, bytes);
}

}  // namespace hydrapool::access
