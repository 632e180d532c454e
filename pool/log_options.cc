#include "pool/log_options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <filesystem>
#include <map>

#include "pool/option_names.h"
#include "pool/sys/log_file.h"

namespace hydrapool::server {
namespace {

const std::map<std::string, sys::log::Level> kLevels{{"debug", sys::log::Level::kDebug},
                                                     {"info", sys::log::Level::kInfo},
                                                     {"warn", sys::log::Level::kWarning},
                                                     {"error", sys::log::Level::kError},
                                                     {"off", sys::log::Level::kOff}};
const std::map<std::string, sys::log::Format> kLogFormats{{"text", sys::log::Format::kText},
                                                          {"logfmt", sys::log::Format::kLogfmt},
                                                          {"json", sys::log::Format::kJson}};
const std::map<std::string, access::Format> kFormats{{"combined", access::Format::kCombined},
                                                     {"json", access::Format::kJson}};

bool IsFile(const std::string& path) { return !path.empty() && path != "-" && path != "off"; }

/// 0, or why this user could not open it for appending.
int WhyNot(const std::string& path) {
  const std::filesystem::path place(path);
  std::error_code unknown;  // one that this user may not look into
  if (std::filesystem::is_directory(place, unknown)) return EISDIR;
  if (::access(path.c_str(), F_OK) == 0) return ::access(path.c_str(), W_OK) == 0 ? 0 : errno;
  const std::string directory = place.has_parent_path() ? place.parent_path().string() : ".";
  return ::access(directory.c_str(), W_OK | X_OK) == 0 ? 0 : errno;
}

}  // namespace

void LogOptions::AddTo(CLI::App& app) {
  app.add_option("--log-level", level, "debug, info, warn, error or off")
      ->transform(OneOf(kLevels))
      ->type_name(Choice(kLevels))
      ->default_str("info");
  app.add_option("--log-format", format, "Of its lines: text, logfmt or json")
      ->transform(OneOf(kLogFormats))
      ->type_name(Choice(kLogFormats))
      ->default_str("text");
  app.add_option("--log-file", file, "Where the log goes (default: stderr); USR1 opens it again")
      ->type_name("FILE");
  app.add_option(
         "--access-log", access.path,
         "A line for each answered request: a file, - for standard output, or off; USR1 opens it again")
      ->type_name("FILE")
      ->default_str("off");
  app.add_option("--access-format", access.format, "Of these lines: combined (as nginx and httpd) or json")
      ->transform(OneOf(kFormats))
      ->type_name(Choice(kFormats))
      ->default_str("combined");
  app.add_flag(
      "--request-id-header", access.request_id_header,
      "X-Request-Id in answers: what the request brought, or a new id (programs find it as REQUEST_ID)");
}

sys::Result<void> LogOptions::Check() const {
  for (const std::string& path : std::array{file, access.path}) {
    if (!IsFile(path)) continue;
    if (const int error = WhyNot(path); error != 0) return sys::Failure(error, "open " + path);
  }
  return {};
}

sys::Result<void> LogOptions::Open(const std::optional<sys::User>& user) {
  if (IsFile(file)) {
    const auto opened = sys::log::ToFile(std::filesystem::absolute(file), user ? &*user : nullptr);
    if (!opened) return opened;
  }
  if (access.path == "-") access.file = sys::LogFile::On(STDOUT_FILENO);
  if (!IsFile(access.path)) return {};
  auto opened = sys::LogFile::Open(std::filesystem::absolute(access.path), -1, user ? &*user : nullptr);
  if (!opened) return tl::unexpected(opened.error());
  access.file = std::move(*opened);
  return {};
}

void LogOptions::WarnOfOwners() const {
  for (const std::string& path : std::array{file, access.path}) {
    if (!IsFile(path) || WhyNot(path) == 0) continue;
    sys::log::Warn(
        "{}: the user that the server is now may not open it: at USR1 it will keep the one that is open "
        "(have "
        "logrotate create it for that user)",
        path);
  }
}

}  // namespace hydrapool::server
