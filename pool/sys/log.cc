#include "pool/sys/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

namespace hydrapool::sys::log {
namespace {

spdlog::logger& Logger() {
  static spdlog::logger logger = [] {
    const bool plain = std::getenv("NO_COLOR") != nullptr;
    auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_st>(plain ? spdlog::color_mode::never
                                                                            : spdlog::color_mode::automatic);
    spdlog::logger made("hydrapool", std::move(sink));
    made.set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ [%P] %v");
    made.flush_on(spdlog::level::trace);
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

}  // namespace

void SetLevel(Level level) { Logger().set_level(ToSpdlog(level)); }

bool Enabled(Level level) { return Logger().should_log(ToSpdlog(level)); }

void Write(Level level, std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  const auto at = [&text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (at(i) < 0x20 || at(i) == 0x7f) {
      safe += fmt::format("\\x{:02x}", at(i));
    } else if (at(i) == 0xc2 && at(i + 1) >= 0x80 && at(i + 1) < 0xa0) {  // U+009B begins a command, as ESC [
      safe += fmt::format("\\x{:02x}", at(++i));
    } else {
      safe.push_back(text[i]);
    }
  }
  Logger().log(ToSpdlog(level), "{}", safe);
}

}  // namespace hydrapool::sys::log
