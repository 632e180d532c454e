#include "pool/site_tables.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <istream>
#include <map>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

#include "pool/option_checks.h"

namespace hydrapool::server {
namespace {

struct Value {
  int line = 0;
  std::vector<std::string> texts;
  bool listed = false;
  bool faulty = false;  // and said so
};
struct Table {
  int line = 0;
  std::map<std::string, Value> values;

  /// "" where it has none that can be read.
  [[nodiscard]] std::string Text(const std::string& key) const {
    const auto found = values.find(key);
    return found == values.end() || found->second.faulty ? "" : found->second.texts.front();
  }
};

constexpr std::array<std::string_view, 11> kKeys{"path", "kind",  "target",  "host",    "timeout", "user",
                                                 "env",  "limit", "max-cgi", "require", "allow"};
constexpr std::array<std::string_view, 3> kLists{"env", "limit", "allow"};
constexpr std::string_view kOfKeys = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

std::string_view Trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

void SkipSpace(std::string_view& text) {
  while (!text.empty() &&
         (std::isspace(static_cast<unsigned char>(text.front())) != 0 || text.front() == '#'))
    text.remove_prefix(text.front() == '#' ? std::min(text.find('\n'), text.size()) : 1);
}

/// "basic" with \" and \\, 'literal', or digits; takes it off. nullopt: none of these.
std::optional<std::string> TakeScalar(std::string_view& text) {
  std::string value;
  const char quote = text.empty() ? '\0' : text.front();
  if (quote != '"' && quote != '\'') {
    while (!text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) != 0) {
      value += text.front();
      text.remove_prefix(1);
    }
    return value.empty() ? std::nullopt : std::optional(value);
  }
  for (text.remove_prefix(1); !text.empty() && text.front() != quote; text.remove_prefix(1)) {
    if (text.front() == '\n') return std::nullopt;
    if (quote == '"' && text.front() == '\\') {
      text.remove_prefix(1);
      if (text.empty() || (text.front() != '"' && text.front() != '\\')) return std::nullopt;
    }
    value += text.front();
  }
  if (text.empty()) return std::nullopt;
  text.remove_prefix(1);
  return value;
}

/// A scalar or a list of them, and nothing behind it but a comment.
std::optional<Value> ReadValue(std::string_view text) {
  Value value;
  SkipSpace(text);
  value.listed = text.starts_with('[');
  if (value.listed) text.remove_prefix(1);
  for (SkipSpace(text); !(value.listed && text.starts_with(']')); SkipSpace(text)) {
    auto scalar = TakeScalar(text);
    if (!scalar) return std::nullopt;
    value.texts.push_back(std::move(*scalar));
    if (!value.listed) break;
    SkipSpace(text);
    if (text.starts_with(',')) {
      text.remove_prefix(1);
    } else if (!text.starts_with(']')) {
      return std::nullopt;
    }
  }
  if (value.listed) text.remove_prefix(1);
  SkipSpace(text);
  return text.empty() ? std::optional(std::move(value)) : std::nullopt;
}

/// A "]" outside of quotes and comments.
bool ClosesList(std::string_view line) {
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == '"' && c == '\\') ++i;
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == ']' || c == '#') {
      return c == ']';
    }
  }
  return false;
}

/// It is no more of a list: a heading, or KEY =.
bool BeginsAnew(std::string_view line) {
  std::string_view text = Trimmed(line);
  if (text.starts_with('[')) return true;
  const auto end = text.find_first_not_of(kOfKeys);
  return end != 0 && end != text.npos && Trimmed(text.substr(end)).starts_with('=');
}

class Reader {
 public:
  /// Tables into `tables`; returns the rest of the file, their lines empty.
  std::string Read(std::istream& input) {
    for (std::string line; std::getline(input, line);) lines_.push_back(line);
    std::string rest;
    bool in_table = false;
    for (next_ = 0; next_ < lines_.size();) {
      const std::string& line = lines_[next_++];
      std::string_view text = line;
      if (line.starts_with('[')) text = text.substr(0, line.find('#'));
      text = Trimmed(text);
      if (text.starts_with('[')) in_table = text == SiteTables::kHeading;
      if (in_table && text == SiteTables::kHeading) tables.push_back({static_cast<int>(next_), {}});
      if (in_table && text != SiteTables::kHeading) {
        TakeKey(line, rest);
      } else if (!in_table) {
        rest += line;
      }
      rest += '\n';
    }
    return rest;
  }
  void Complain(int line, std::string_view key, std::string_view what) {
    faults += fmt::format("{}{}: {}: {}", faults.empty() ? "" : "\n", line, key, what);
  }

  std::vector<Table> tables;
  std::string faults;

 private:
  /// With the lines behind it, where its value is a list that goes on there.
  void TakeKey(const std::string& line, std::string& rest) {
    const std::string_view text = Trimmed(line);
    if (text.empty() || text.starts_with('#')) return;
    const int begun = static_cast<int>(next_);
    const auto equals = std::min(line.find('='), line.size());
    const std::string key(Trimmed(std::string_view(line).substr(0, equals)));
    std::string right = equals < line.size() ? line.substr(equals + 1) : "";
    bool open = Trimmed(right).starts_with('[') && !ClosesList(right);
    for (; open && next_ < lines_.size() && !BeginsAnew(lines_[next_]); ++next_) {
      open = !ClosesList(lines_[next_]);
      rest += '\n';
      right += '\n' + lines_[next_];
    }
    if (std::ranges::find(kKeys, key) == kKeys.end()) return Complain(begun, key, "no key of a [[mount]]");
    const bool may_list = std::ranges::find(kLists, key) != kLists.end();
    auto read = ReadValue(right);
    Value value = read ? std::move(*read) : Value{};
    value.line = begun;
    value.faulty = !read || (value.listed && !may_list);
    if (!read) Complain(begun, key, "wants \"TEXT\", a number, or [\"TEXT\", ...]");
    if (value.listed && !may_list) Complain(begun, key, "wants one value, no list");
    if (!tables.back().values.emplace(key, std::move(value)).second) Complain(begun, key, "is there twice");
  }

  std::vector<std::string> lines_;
  std::size_t next_ = 0;
};

/// What a mount's target must be for its kind; empty: it is, or there is no such kind.
std::string TargetFault(const std::string& kind, const std::string& target) {
  const bool directory = kind == "files" || kind == "cgi";
  if ((!directory && kind != "program" && kind != "with") || target.empty()) return "";
  struct stat info {};
  if (::stat(target.c_str(), &info) != 0) return target + ": " + std::generic_category().message(errno);
  if (directory) return S_ISDIR(info.st_mode) ? "" : target + ": not a directory";
  return S_ISREG(info.st_mode) ? "" : target + ": not a program";
}

/// Turns tables into values of options, by name.
class Writer {
 public:
  explicit Writer(Reader& reader) : reader_(reader) {}

  void Write(const Table& table) {
    for (const char* key : {"path", "kind", "target"}) {
      if (!table.values.contains(key))
        reader_.Complain(table.line, "[[mount]]", fmt::format("has no {}", key));
    }
    const std::string host = table.Text("host");
    const bool mounted = Mount(table, host);
    // What else it says is looked at as if it were somewhere.
    const std::string path = mounted ? table.Text("path") : "/";
    for (const auto& [key, value] : table.values) {
      if (value.faulty || key == "path" || key == "kind" || key == "target" || key == "host") continue;
      if (!host.empty() || !path.starts_with('/')) {
        reader_.Complain(value.line, key,
                         "is by path for every host: not with host, nor where path is an ending");
      } else {
        AddSetting(path, key, value);
      }
    }
  }

  std::map<std::string, std::vector<std::string>> options;

 private:
  /// False: there is no such mount, for what has been said.
  bool Mount(const Table& table, const std::string& host) {
    const std::string path = table.Text("path");
    const std::string kind = table.Text("kind");
    const std::string target = table.Text("target");
    if (const auto fault = TargetFault(kind, target); !fault.empty())
      reader_.Complain(table.values.at("target").line, "target", fault);
    if (path.empty() || kind.empty() || target.empty()) return false;
    const std::string at = host.empty() ? path : "//" + host + path;
    return Add(table.values.at("path"), "path", "mount", fmt::format("{}={}:{}", at, kind, target),
               MountLine);
  }
  void AddSetting(const std::string& path, const std::string& key, const Value& value) {
    if (key == "require") {
      Add(value, key, "require", path + '=' + value.texts.front(), GuardLine);
    } else if (key == "allow") {
      Add(value, key, "allow", fmt::format("{}={}", path, fmt::join(value.texts, ",")), AllowLine);
    } else {
      for (const std::string& text : value.texts)
        Add(value, key, "program-rule", fmt::format("{}={}:{}", path, key, text), RuleLine);
    }
  }
  bool Add(const Value& value, const std::string& key, const std::string& option, const std::string& text,
           std::string (*check)(const std::string&)) {
    const std::string fault = check(text);
    if (fault.empty()) {
      options[option].push_back(text);
    } else {
      reader_.Complain(value.line, key, fault);
    }
    return fault.empty();
  }

  Reader& reader_;
};

}  // namespace

std::vector<CLI::ConfigItem> SiteTables::from_config(std::istream& input) const {
  Reader reader;
  std::istringstream rest(reader.Read(input));
  Writer writer(reader);
  for (const Table& table : reader.tables) writer.Write(table);
  if (!reader.faults.empty()) throw Fault(reader.faults);
  std::vector<CLI::ConfigItem> all = ConfigBase::from_config(rest);
  for (auto& [option, values] : writer.options) {
    auto item = std::ranges::find_if(
        all, [&](const CLI::ConfigItem& each) { return each.parents.empty() && each.name == option; });
    if (item == all.end()) {
      CLI::ConfigItem added;
      added.name = option;
      item = all.insert(all.begin(), std::move(added));
    }
    item->inputs.insert(item->inputs.end(), values.begin(), values.end());
    if (option != "mount") said_[option] = values;
  }
  return all;
}

// A flag replaces all that the file gives its option: a table's guard would be gone, and its mount stay.
void SiteTables::RefuseLoss(
    const std::function<std::vector<std::string>(const std::string& option)>& given) const {
  for (const auto& [option, values] : said_) {
    const std::vector<std::string> all = given(option);
    const auto lost = std::ranges::find_if(
        values, [&all](const std::string& value) { return std::ranges::find(all, value) == all.end(); });
    if (lost != values.end())
      throw CLI::ValidationError(
          "--" + option,
          fmt::format("it would take back what a table of the file says ({}): give it there", *lost));
  }
}

}  // namespace hydrapool::server
