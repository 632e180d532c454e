#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "pool/access/log.h"
#include "pool/sys/error.h"
#include "pool/sys/log.h"
#include "pool/sys/privileges.h"

namespace CLI {
class App;
}

namespace hydrapool::server {

/// Where the logs go.
struct LogOptions {
  sys::log::Level level = sys::log::Level::kInfo;
  sys::log::Format format = sys::log::Format::kText;
  std::string file{};  ///< empty: stderr
  access::LogConfig access{};

  /// The flags; this object stays where it is until the app has parsed.
  void AddTo(CLI::App& app);
  /// Whether the files could be opened, by the user that this process is.
  [[nodiscard]] sys::Result<void> Check() const;
  /// Opens them. Those that had to be made are given to the user that the server becomes: each of its
  /// processes opens them again by that user's rights.
  [[nodiscard]] sys::Result<void> Open(const std::optional<sys::User>& user);
  /// As that user: a line in the log for each that could not be opened again.
  void WarnOfOwners() const;
};

}  // namespace hydrapool::server
