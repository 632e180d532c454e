#pragma once

#include <map>
#include <string>
#include <string_view>

namespace hydrapool::files {

/// The media types of files, by the ending of their names: those of the system's table (mime.types(5), which
/// Debian's package media-types has), over a few that are built in. Read once.
class MediaTypes {
 public:
  explicit MediaTypes(const std::string& table = "/etc/mime.types");

  /// "text/html" for "a/b.HTML"; "application/octet-stream" where the ending says nothing.
  [[nodiscard]] std::string_view Of(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> types_;
};

}  // namespace hydrapool::files
