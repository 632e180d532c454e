#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace hydrapool::server {

/// Where the value of each option comes from: the command line, else the environment (HYDRAPOOL_CGI_DIR for
/// --cgi-dir; an empty one counts for none), else the TOML file (--config, or HYDRAPOOL_CONFIG), else its
/// default.
///
///     const OptionSources sources(app, arguments);
///     app.parse(sources.Arguments());
///     std::puts(sources.Describe().c_str());
///
/// The app must outlive it. The file is what the app's SiteTables have read.
class OptionSources {
 public:
  OptionSources(const CLI::App& app, std::vector<std::string> arguments);

  /// The arguments, and one for each option that the environment names and they do not; in the order that
  /// CLI11 wants: reversed. (CLI11's own envname() yields to the file; here the environment wins over it.)
  [[nodiscard]] std::vector<std::string> Arguments() const;
  /// What is wrong: of what stands in the file with FILE:LINE and the key, of a variable with its name.
  [[nodiscard]] std::string Explain(const CLI::ParseError& error) const;
  /// Variables of the environment that begin with HYDRAPOOL_ and name no option.
  [[nodiscard]] std::vector<std::string> Unknown() const;
  /// Every option with its value as it was written, and where: a line each; then what is Unknown.
  [[nodiscard]] std::string Describe() const;
  /// A configuration file in which every option stands with its description and its default, as a comment.
  [[nodiscard]] std::string Reference() const;

 private:
  struct Line {
    int number = 0;
    std::string value;
  };
  [[nodiscard]] std::string File() const;
  [[nodiscard]] std::optional<Line> FindInFile(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> OnCommandLine(const std::string& name) const;

  const CLI::App& app_;
  std::vector<std::string> arguments_;
};

}  // namespace hydrapool::server
