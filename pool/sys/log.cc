#include "pool/sys/log.h"

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <memory>
#include <utility>

#include "pool/sys/log_file.h"
#include "pool/sys/utf8.h"

namespace hydrapool::sys::log {
namespace {

DroppedLines g_of_this_process;
DroppedLines* g_dropped = &g_of_this_process;
bool g_written = false;  // the last line was
Format g_format = Format::kText;
std::unique_ptr<LogFile> g_file;  // null: the log is stderr

std::string_view ColourOf(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::info:
      return "\x1b[32m";
    case spdlog::level::warn:
      return "\x1b[33m\x1b[1m";
    case spdlog::level::err:
      return "\x1b[31m\x1b[1m";
    default:
      return "\x1b[36m";
  }
}

class StderrSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t formatted;
    formatter_->format(message, formatted);
    const std::string_view plain(formatted.data(), formatted.size());
    if (Coloured()) {
      const auto [begin, end] = std::pair(message.color_range_start, message.color_range_end);
      Put(fmt::format("{}{}{}\x1b[m{}", plain.substr(0, begin), ColourOf(message.level),
                      plain.substr(begin, end - begin), plain.substr(end)));
    } else {
      Put(plain);
    }
  }
  void flush_() override {}

  static bool Coloured() {
    static const bool wanted = std::getenv("NO_COLOR") == nullptr;
    return wanted && ::isatty(STDERR_FILENO) == 1;
  }
  static void Put(std::string_view line) {
    g_written = g_file ? g_file->Write(line) : WriteLine(STDERR_FILENO, line);
  }
};

const char* PatternOf(Format format) {
  switch (format) {
    case Format::kLogfmt:
      return "time=%Y-%m-%dT%H:%M:%S.%e%z level=%l pid=%P msg=\"%v\"";
    case Format::kJson:
      return R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","pid":%P,"msg":"%v"})";
    case Format::kText:
      break;
  }
  return "%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ [%P] %v";
}

spdlog::logger& Logger() {
  static spdlog::logger logger = [] {
    spdlog::logger made("hydrapool", std::make_shared<StderrSink>());
    made.set_pattern(PatternOf(Format::kText));
    return made;
  }();
  return logger;
}

spdlog::level::level_enum ToSpdlog(Level level) {
  switch (level) {
    case Level::kTrace:
      return spdlog::level::trace;
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
    case Level::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

unsigned Byte(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

// Within quotes it is also well-formed UTF-8, and short enough that the line is not cut.
std::string Safe(std::string_view text) {
  constexpr std::size_t kLongest = kLongestLine - 128;
  const bool quoted = g_format != Format::kText;
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    if (quoted && safe.size() > kLongest) return safe + "...";
    const std::size_t size = CharacterAt(text);
    const unsigned first = Byte(text, 0);
    const bool command = size == 2 && first == 0xc2 && Byte(text, 1) < 0xa0;  // U+009B begins one, as ESC [
    if (first < 0x20 || first == 0x7f || command || (quoted && size == 0)) {
      safe += fmt::format("{}x{:02x}", quoted ? "\\\\" : "\\", command ? Byte(text, 1) : first);
    } else {
      if (quoted && (first == '"' || first == '\\')) safe += '\\';
      safe += text.substr(0, std::max<std::size_t>(size, 1));
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return safe;
}

}  // namespace

void SetFormat(Format format) {
  g_format = format;
  Logger().set_pattern(PatternOf(format));
}

void SetLevel(Level level) { Logger().set_level(ToSpdlog(level)); }

bool Enabled(Level level) { return Logger().should_log(ToSpdlog(level)); }

void CountDroppedIn(DroppedLines* shared) { g_dropped = shared != nullptr ? shared : &g_of_this_process; }

Result<void> ToFile(const std::string& path, const User* user) {
  auto file = LogFile::Open(path, STDERR_FILENO, user);
  if (!file) return tl::unexpected(file.error());
  g_file = std::move(*file);
  return {};
}

void TellDropped() {
  std::uint64_t told = g_dropped->told.load();
  const std::uint64_t dropped = g_dropped->count.load();
  if (dropped == told || !g_dropped->told.compare_exchange_strong(told, dropped)) return;
  g_written = true;  // where the level forbids it
  Logger().log(spdlog::level::err, "{} log lines were dropped", dropped - told);
  if (!g_written) g_dropped->told.fetch_sub(dropped - told);
}

void TakeTerminate() {
  std::set_terminate([] {
    try {
      if (const auto exception = std::current_exception()) std::rethrow_exception(exception);
      Write(Level::kError, "terminated");
    } catch (const std::exception& error) {
      Write(Level::kError, fmt::format("terminated: {}", error.what()));
    } catch (...) {
      Write(Level::kError, "terminated: an exception of another kind");
    }
    std::abort();
  });
}

void Write(Level level, std::string_view text) {
  if (g_file) g_file->Refresh();
  TellDropped();
  const std::string safe = Safe(text);
  g_written = true;
  Logger().log(ToSpdlog(level), "{}", safe);
  if (!g_written) g_dropped->count.fetch_add(1);
}

}  // namespace hydrapool::sys::log
