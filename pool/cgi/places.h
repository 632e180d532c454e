#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "pool/cgi/script_path.h"

namespace hydrapool::cgi {

/// Where an open file or directory lies, symlinks resolved; empty: it cannot be told.
[[nodiscard]] std::string PathOfDescriptor(int fd);

/// Where that lies which `below` has been found to be: by a symlink it was found elsewhere. Empty: where it
/// is named. 403: it cannot be told.
[[nodiscard]] tl::expected<std::string, Refusal> LinkedTo(int directory, const std::string& below, int found);

/// The directories and programs of a site, and at which paths it serves them.
class Places {
 public:
  struct Place {
    std::string at;      ///< begins with '/'; of a directory it ends so too
    int directory = -1;  ///< outlives the place
    std::string file{};  ///< of a program: its name there
  };
  void Add(Place place) { places_.push_back(std::move(place)); }

  /// At which paths the site serves what lies at `path`: by the mount whose directory is nearest to it. Where
  /// that is `own`, by that one alone; else there may be none, or several.
  [[nodiscard]] std::vector<std::string> Of(std::string_view path, int own) const;

 private:
  std::vector<Place> places_;
};

}  // namespace hydrapool::cgi
