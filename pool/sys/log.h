#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "pool/sys/error.h"
#include "pool/sys/log_line.h"

/// One line on stderr for each message: time, level, pid, text. Synchronous, one write a line, so it survives
/// fork and lines of several processes do not mix. Colours only on a terminal and without NO_COLOR. Bytes
/// that are not printable are escaped: a log line can carry what a stranger sent.
///
/// Never waits: a line that a full pipe, socket or terminal does not take at once is dropped and counted, and
/// when the reader has taken up again a line says "N log lines were dropped". Lines are cut at kLongestLine.
namespace hydrapool::sys {
struct User;
}

namespace hydrapool::sys::log {

enum class Level { kTrace, kDebug, kInfo, kWarning, kError, kOff };
/// kLogfmt: time=… level=… pid=… msg="…"; kJson: an object a line, of the same names. In both a text that is
/// too long for its line ends in "...", and bytes that are no UTF-8 are escaped.
enum class Format { kText, kLogfmt, kJson };

void SetLevel(Level level);
void SetFormat(Format format);
[[nodiscard]] bool Enabled(Level level);
void Write(Level level, std::string_view text);

/// From now on dropped lines are counted there, in memory that forked processes share; null: in this process
/// alone. What was counted so far stays where it was.
void CountDroppedIn(DroppedLines* shared);
/// Tells of lines that were dropped, if the reader takes that. Every line that is written does so too: call
/// it where there may be no next line.
void TellDropped();
/// From now on the log is that file, which is stderr of this process and its children too. `user`: as
/// LogFile::Open.
[[nodiscard]] Result<void> ToFile(const std::string& path, const User* user = nullptr);
/// std::terminate says why by a line of this log, where the C++ library's own words would wait for a reader.
void TakeTerminate();

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
