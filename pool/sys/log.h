#pragma once

#include <fmt/format.h>

#include <string_view>

/// One line on stderr for each message: time, level, pid, text. Synchronous, one write(2) a line, so it
/// survives fork and lines of several processes do not mix. Colours only on a terminal and without NO_COLOR.
/// Bytes that are not printable are escaped: a log line can carry what a stranger sent.
namespace hydrapool::sys::log {

enum class Level { kTrace, kDebug, kInfo, kWarning, kError, kOff };

void SetLevel(Level level);
[[nodiscard]] bool Enabled(Level level);
void Write(Level level, std::string_view text);

template <typename... Args>
void Debug(fmt::format_string<Args...> format, Args&&... args) {
  if (Enabled(Level::kDebug)) Write(Level::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void Info(fmt::format_string<Args...> format, Args&&... args) {
  if (Enabled(Level::kInfo)) Write(Level::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void Warn(fmt::format_string<Args...> format, Args&&... args) {
  if (Enabled(Level::kWarning)) Write(Level::kWarning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void Error(fmt::format_string<Args...> format, Args&&... args) {
  if (Enabled(Level::kError)) Write(Level::kError, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace hydrapool::sys::log
