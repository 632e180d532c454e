#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pool/toml_file.h"

namespace hydrapool::server {

/// Reads a configuration file in which mounts may be tables, behind all options:
///
///     [[mount]]
///     path = "/wiki"                    # or "*.php"; of one host alone with host = "wiki.example.org"
///     kind = "program"                  # cgi, program, files or with
///     target = "/usr/lib/cgi-bin/wiki"
///     timeout = "10m"                   # of its programs: --program-rule
///     user = "wiki"
///     max-cgi = 4
///     env = ["WIKI_ROOT=/srv/wiki"]
///     limit = ["cpu=10s", "as=512M"]
///     require = "/etc/wiki.htpasswd"    # and its guards: --require, --allow
///     allow = ["joe", "@admins"]
///
/// Each table is turned into what these options take, behind what the file gives them itself. Only path, kind
/// and target must be there. What holds for programs and who may come in are by path: not with `host`, nor
/// where the path is an ending. What is for programs is refused where there are none (RefuseConflicts).
///
/// from_config throws SiteTables::Fault for what is wrong with tables, with names of options and with the
/// types of their values, all of it at once. The app must outlive it.
class SiteTables : public CLI::ConfigBase {
 public:
  /// Its text is "LINE: KEY: what", one line for each fault; which file is for the caller to say.
  struct Fault : CLI::ConfigError {
    explicit Fault(const std::string& lines) : CLI::ConfigError(lines, CLI::ExitCodes::ConfigError) {}
  };
  static constexpr std::string_view kHeading = "[[mount]]";

  explicit SiteTables(const CLI::App& app) : app_(app) {}
  [[nodiscard]] std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;
  /// What from_config has read: a file may be a pipe, which is read once.
  [[nodiscard]] const std::vector<TomlEntry>& entries() const { return entries_; }
  /// Throws CLI::ValidationError where a flag or variable has taken the place of what a table says of its
  /// path: `given` tells what an option has got.
  void RefuseLoss(const std::function<std::vector<std::string>(const std::string& option)>& given) const;
  /// Throws a Fault for each value that a table has given an option and of which `fault` has something to
  /// say.
  void RefuseValues(const std::string& option,
                    const std::function<std::string(const std::string& value)>& fault) const;

  /// What the tables have given an option.
  [[nodiscard]] std::vector<std::string> Values(const std::string& option) const;

  /// One of these, and where a table says so.
  struct Said {
    std::string value;
    int line;
    std::string key;
  };

 private:
  const CLI::App& app_;
  mutable std::vector<TomlEntry> entries_;
  mutable std::map<std::string, std::vector<Said>> said_;  // by option
};

}  // namespace hydrapool::server
