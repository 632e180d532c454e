#include "loadgen/report/hdr_log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <optional>

#include "loadgen/stats/hdr_codec.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::string_view kTag = "Tag=";
constexpr std::string_view kStartTime = "#[StartTime: ";

std::string_view TakeField(std::string_view& line) {
  const auto comma = line.find(',');
  const auto field = line.substr(0, comma);
  line.remove_prefix(comma == line.npos ? line.size() : comma + 1);
  return field;
}

std::optional<double> Number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

sys::Nanos FromSeconds(double s) { return static_cast<sys::Nanos>(std::llround(s * 1e9)); }

/// The exact maximum where the line has it: within the last bucket that has a value.
void UseMax(double max_ms, LatencyHistogram& histogram) {
  const auto max = static_cast<std::int64_t>(std::llround(max_ms * 1e3));
  const auto last = histogram.end_index();
  if (last == 0 || max < 0) return;
  const bool in_last = LatencyHistogram::IndexOf(std::min(max, LatencyHistogram::kHighest)) == last - 1;
  if (in_last) histogram.SetExact(histogram.sum(), max);
}

}  // namespace

std::string TagText(std::string_view tag) {
  std::string text(tag);
  std::ranges::replace_if(
      text, [](char c) { return c <= ' ' || c > '~' || c == ',' || c == '"'; }, '_');
  return text;
}

std::string HdrLine(const HdrInterval& interval) {
  const auto histogram = interval.histogram.Unpack();
  return fmt::format("{}{:.3f},{:.3f},{:.3f},{}",
                     interval.tag.empty() ? "" : fmt::format("{}{},", kTag, TagText(interval.tag)),
                     sys::ToSeconds(interval.begin), sys::ToSeconds(interval.length),
                     static_cast<double>(histogram.max()) / 1e3, EncodeHdr(histogram));
}

std::string HdrText(const HdrLog& log) {
  const auto seconds = static_cast<std::time_t>(log.start_unix_ms / 1000);
  std::string text = fmt::format(
      "#[Histogram log format version 1.3]\n"
      "#[loadgen: values in microseconds]\n"
      "{}{:.3f} (seconds since epoch), {:%Y-%m-%dT%H:%M:%SZ}]\n"
      "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
      kStartTime, static_cast<double>(log.start_unix_ms) / 1e3, fmt::gmtime(seconds));
  for (const auto& interval : log.intervals) text += HdrLine(interval) + "\n";
  return text;
}

sys::Result<HdrInterval> ParseHdrLine(std::string_view line) {
  HdrInterval interval;
  if (line.starts_with(kTag)) interval.tag = TakeField(line).substr(kTag.size());
  const auto begin = Number(TakeField(line));
  const auto length = Number(TakeField(line));
  const auto max = Number(TakeField(line));
  if (!begin || !length || !max || *length < 0) return sys::Failure("not a line of an interval log");
  auto histogram = DecodeHdr(line);
  if (!histogram) return tl::unexpected(histogram.error());
  UseMax(*max, *histogram);
  interval.begin = FromSeconds(*begin);
  interval.length = FromSeconds(*length);
  interval.histogram = PackedHistogram(*histogram);
  return interval;
}

sys::Result<HdrLog> ParseHdrLog(std::string_view text) {
  HdrLog log;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with(kStartTime)) {
      const auto rest = line.substr(kStartTime.size());
      log.start_unix_ms = std::llround(Number(rest.substr(0, rest.find(' '))).value_or(0) * 1e3);
    }
    if (line.empty() || line.starts_with('#') || line.starts_with('"')) continue;
    auto interval = ParseHdrLine(line);
    if (!interval) return sys::Failure(fmt::format("line {}: {}", number, interval.error().message));
    log.intervals.push_back(std::move(*interval));
  }
  return log;
}

}  // namespace hydrapool::loadgen
