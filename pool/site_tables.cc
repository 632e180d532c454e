#include "pool/site_tables.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <iterator>
#include <map>
#include <system_error>
#include <utility>

#include "pool/manual/mistake.h"
#include "pool/option_checks.h"
#include "pool/option_names.h"
#include "pool/sys/nearest_name.h"
#include "pool/toml_file.h"

namespace hydrapool::server {
namespace {

struct Value {
  int line = 0;
  std::vector<std::string> texts = {};
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

const std::map<std::string_view, TomlWanted> kKeys{
    {"path", TomlWanted::kText},    {"kind", TomlWanted::kText},    {"target", TomlWanted::kText},
    {"host", TomlWanted::kText},    {"timeout", TomlWanted::kTime}, {"user", TomlWanted::kInteger},
    {"env", TomlWanted::kTexts},    {"limit", TomlWanted::kTexts},  {"max-cgi", TomlWanted::kInteger},
    {"require", TomlWanted::kText}, {"allow", TomlWanted::kTexts}};

constexpr int kMostFaults = 50;  // past it the file is something else than a configuration

/// As it can be shown in a line of a terminal: a name that is none may hold anything.
std::string Shown(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  std::string shown(text.substr(0, kLongest));
  std::ranges::replace_if(
      shown, [](char c) { return std::iscntrl(static_cast<unsigned char>(c)) != 0; }, '?');
  return shown;
}

/// Sorts the lines of a file: options as CLI11 takes them, and tables.
class Reader {
 public:
  explicit Reader(const CLI::App& app) : app_(app) {}

  void Read(const TomlEntry& entry) {
    const bool is_heading = entry.key.empty();
    if (entry.heading.empty()) {
      TakeOption(entry);
    } else if (entry.heading == SiteTables::kHeading) {
      if (is_heading) tables.push_back({entry.line, {}});
      if (!is_heading) TakeKey(entry);
    } else if (is_heading) {
      Complain(entry.line, entry.heading, "options stand in no section");
    }
  }
  void Complain(int line, std::string_view key, std::string_view what) {
    if (++count_ <= kMostFaults)
      faults += fmt::format("{}{}: {}: {}", faults.empty() ? "" : "\n", line, Shown(key), Shown(what));
    if (count_ == kMostFaults) faults += fmt::format("\n{}: ...: and what else there may be", line);
  }

  std::vector<CLI::ConfigItem> options;
  std::vector<Table> tables;
  std::string faults;

 private:
  void TakeOption(const TomlEntry& entry) {
    const auto all = app_.get_options();
    const auto found = std::ranges::find_if(all, [&entry](const CLI::Option* option) {
      return !option->get_lnames().empty() && option->get_lnames().front() == entry.key;
    });
    if (found == all.end()) return Complain(entry.line, "no such option", Guessed(entry.key));
    const CLI::Option& option = **found;
    if (!CanBeSet(option)) return Complain(entry.line, entry.key, "is for the command line alone");
    if (std::ranges::find(options, entry.key, &CLI::ConfigItem::name) != options.end())
      return Complain(entry.line, entry.key, "is there twice");
    const std::string fault = TypeFault(WantedOf(option), entry.value);
    if (!fault.empty()) return Complain(entry.line, entry.key, fault);
    CLI::ConfigItem item;
    item.name = entry.key;
    item.inputs = entry.value->Texts();
    if (!item.inputs.empty()) {
      options.push_back(std::move(item));
    } else if (!option.get_default_str().empty()) {
      Complain(entry.line, entry.key, "wants one at least");
    }
  }
  /// With the nearest that there is.
  [[nodiscard]] std::string Guessed(const std::string& key) const {
    std::vector<std::string_view> names;
    for (const CLI::Option* option : app_.get_options()) {
      if (CanBeSet(*option)) names.emplace_back(option->get_lnames().front());
    }
    const std::string_view nearest = sys::NearestName(key, names);
    return nearest.empty() ? key : fmt::format("{}{}'{}'?", key, manual::kDidYouMean, nearest);
  }
  void TakeKey(const TomlEntry& entry) {
    const auto wanted = kKeys.find(entry.key);
    if (wanted == kKeys.end()) return Complain(entry.line, entry.key, "no key of a [[mount]]");
    const std::string fault = TypeFault(wanted->second, entry.value);
    Value value{.line = entry.line, .faulty = !fault.empty()};
    if (value.faulty) Complain(entry.line, entry.key, fault);
    if (!value.faulty) value.texts = entry.value->Texts();
    if (!tables.back().values.emplace(entry.key, std::move(value)).second)
      Complain(entry.line, entry.key, "is there twice");
  }

  const CLI::App& app_;
  int count_ = 0;
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

  std::map<std::string, std::vector<SiteTables::Said>> options;

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
      options[option].push_back({text, value.line, key});
    } else {
      reader_.Complain(value.line, key, fault);
    }
    return fault.empty();
  }

  Reader& reader_;
};

}  // namespace

std::vector<CLI::ConfigItem> SiteTables::from_config(std::istream& input) const {
  Reader reader(app_);
  entries_ = ReadToml(input);
  for (const TomlEntry& entry : entries_) reader.Read(entry);
  Writer writer(reader);
  for (const Table& table : reader.tables) writer.Write(table);
  if (!reader.faults.empty()) throw Fault(reader.faults);
  std::vector<CLI::ConfigItem> all = std::move(reader.options);
  for (auto& [option, values] : writer.options) {
    auto item = std::ranges::find(all, option, &CLI::ConfigItem::name);
    if (item == all.end()) {
      CLI::ConfigItem added;
      added.name = option;
      item = all.insert(all.begin(), std::move(added));
    }
    std::ranges::transform(values, std::back_inserter(item->inputs), &Said::value);
    said_[option] = values;
  }
  return all;
}

// A flag replaces all that the file gives its option: a table's guard would be gone, and its mount stay.
void SiteTables::RefuseLoss(
    const std::function<std::vector<std::string>(const std::string& option)>& given) const {
  for (const auto& [option, values] : said_) {
    if (option == "mount") continue;
    const std::vector<std::string> all = given(option);
    const auto lost = std::ranges::find_if(
        values, [&all](const Said& said) { return std::ranges::find(all, said.value) == all.end(); });
    if (lost != values.end())
      throw CLI::ValidationError(
          "--" + option,
          fmt::format("it would take back what a table of the file says ({}): give it there", lost->value));
  }
}

std::vector<std::string> SiteTables::Values(const std::string& option) const {
  std::vector<std::string> values;
  std::ranges::transform(said_[option], std::back_inserter(values), &Said::value);
  return values;
}

void SiteTables::RefuseValues(const std::string& option,
                              const std::function<std::string(const std::string& value)>& fault) const {
  std::string faults;
  for (const auto& [value, line, key] : said_[option]) {
    const std::string what = fault(value);
    if (!what.empty()) faults += fmt::format("{}{}: {}: {}", faults.empty() ? "" : "\n", line, key, what);
  }
  if (!faults.empty()) throw Fault(faults);
}

}  // namespace hydrapool::server
