#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hydrapool::server {

/// What stands in a file of TOML (https://toml.io) that needs no more of it than this:
///
///     workers = 4                       # integers, fractions, true, false
///     listen = [":80", 'unix:/run/x']   # text in quotes, and lists of all these, over several lines too
///     [[mount]]
///     path = "/wiki"
///
/// Tables within lines, dates, text of several lines, keys in quotes and escapes other than \" \\ \n \t are
/// not read: such a value is nullopt.

struct TomlScalar {
  enum class Kind : std::uint8_t { kText, kInteger, kFraction, kTruth };
  Kind kind = Kind::kText;
  std::string text;  ///< without quotes and escapes
};

struct TomlValue {
  bool listed = false;
  std::vector<TomlScalar> items;  ///< one, where it is no list
  [[nodiscard]] std::vector<std::string> Texts() const;
  [[nodiscard]] std::string Written() const;  ///< on one line, as a file may have it
};

/// A line with a heading or KEY = VALUE, the value's further lines with it.
struct TomlEntry {
  int line = 0;
  std::string heading;  ///< it is this one, "[[mount]]", or stands below it; "": above all
  std::string key;      ///< "": it is the heading
  std::optional<TomlValue> value;

  [[nodiscard]] std::string_view name() const { return key.empty() ? heading : key; }
};

[[nodiscard]] std::vector<TomlEntry> ReadToml(std::istream& input);

/// What an option or a table's key may be given. Text is always taken, but for kTruth: it says what a flag of
/// the command line would.
enum class TomlWanted : std::uint8_t {
  kText,
  kTexts,  ///< or a list of them
  kInteger,
  kTime,   ///< or a number of seconds
  kTruth,  ///< true or false
};

/// Why that is not what it gets, "wants …"; "": it is.
[[nodiscard]] std::string TypeFault(TomlWanted wanted, const std::optional<TomlValue>& value);

}  // namespace hydrapool::server
