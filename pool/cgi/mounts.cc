#include "pool/cgi/mounts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "pool/cgi/percent.h"
#include "pool/http/text.h"

namespace hydrapool::cgi {

using Kind = Mount::Kind;

struct Mounts::Point {
  Kind kind;
  std::size_t number;  // in the constructor's list
  std::string at;
  std::string host;
  std::unique_ptr<ScriptDirectory> tree;  // of a directory
  std::string program;                    // of kProgram
  sys::UniqueFd directory;                // where it lies

  /// Of a folded path, whether it had a slash at its end or not.
  [[nodiscard]] bool Holds(std::string_view folded, bool slash) const {
    const std::string_view stem = std::string_view(at).substr(0, at.size() - (at.ends_with('/') ? 1 : 0));
    if (!folded.starts_with(stem)) return false;
    if (folded.size() > stem.size()) return folded[stem.size()] == '/';
    return kind != Kind::kPrograms || slash || at == "/";
  }
};

namespace {

[[noreturn]] void Fail(const Mount& mount, const std::string& why) {
  const std::string host = mount.host.empty() ? "" : "//" + mount.host;
  throw std::runtime_error(fmt::format("the mount at {}{}{}: {}: {}", mount.kind == Kind::kWith ? "*" : "",
                                       host, mount.at, mount.path, why));
}

void RequireProgram(const Mount& mount) {
  struct stat info {};
  if (::stat(mount.path.c_str(), &info) != 0) Fail(mount, std::generic_category().message(errno));
  if (!S_ISREG(info.st_mode)) Fail(mount, "not a program");
  if (::faccessat(AT_FDCWD, mount.path.c_str(), X_OK, AT_EACCESS) != 0)
    Fail(mount, std::generic_category().message(errno));
}

bool IsFoldable(std::string_view path) {
  return path.find("//") != path.npos || path.find("/.") != path.npos || path.find('%') != path.npos;
}

/// A path in a URL: whatever else it may hold is escaped.
std::string Encoded(std::string_view path) {
  std::string encoded;
  for (const char c : path) {
    if (http::Is(http::kHostChar, c) || c == '/') {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace

std::vector<std::string> PathsOf(const Script& script) {
  std::vector<std::string> paths{script.name + script.path_info};
  for (const std::string& twin : script.twins) paths.push_back(twin + script.path_info);
  return paths;
}

std::vector<std::string> PathsOf(const Target& target) {
  if (const auto* script = std::get_if<Script>(&target)) return PathsOf(*script);
  const auto* file = std::get_if<FileFound>(&target);
  if (file == nullptr) return {};
  std::vector<std::string> paths{file->tree->prefix() + file->below};
  std::ranges::copy(file->twins, std::back_inserter(paths));
  return paths;
}

Mounts::~Mounts() = default;

Mounts::Mounts(const std::vector<Mount>& mounts, MountRules rules) : rules_(std::move(rules)) {
  for (const Mount& mount : mounts) {
    const auto same = [&mount](const auto& each) { return each.at == mount.at && each.host == mount.host; };
    if (std::ranges::any_of(points_, same) || std::ranges::any_of(interpreters_, same))
      Fail(mount, "another mount is there");
    Point point{.kind = mount.kind,
                .number = static_cast<std::size_t>(&mount - mounts.data()),
                .at = mount.at,
                .host = mount.host,
                .tree = nullptr,
                .program = "",
                .directory = {}};
    if (mount.kind == Kind::kProgram || mount.kind == Kind::kWith) RequireProgram(mount);
    if (mount.kind == Kind::kWith) {
      interpreters_.push_back(mount);
      continue;
    }
    if (mount.kind == Kind::kProgram) {
      point.program = mount.path;
      const std::string directory = std::filesystem::path(mount.path).parent_path();
      point.directory.Reset(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      if (!point.directory) Fail(mount, std::generic_category().message(errno));
    } else {
      try {
        point.tree = std::make_unique<ScriptDirectory>(mount.path, mount.at, rules_.scripts);
      } catch (const std::system_error& error) {
        Fail(mount, error.code().message());
      }
      const bool site = mount.kind == Kind::kFiles && mount.at == "/";
      std::string& root = roots_[mount.host];
      if (root.empty() || site) root = point.tree->root();
    }
    roots_.try_emplace(mount.host);
    has_hosts_ = has_hosts_ || !mount.host.empty();
    if (point.tree) {
      places_.Add({.at = mount.at, .directory = point.tree->descriptor()});
    } else {
      const std::string name = std::filesystem::path(mount.path).filename();
      places_.Add({.at = mount.at, .directory = point.directory.get(), .file = name});
    }
    points_.push_back(std::move(point));
  }
  std::ranges::stable_sort(points_, [](const Point& a, const Point& b) { return a.at.size() > b.at.size(); });
}

const std::string& Mounts::HostFor(std::string_view host) const {
  static const std::string none;
  if (!has_hosts()) return none;
  const auto found = roots_.find(BareHost(host));
  return found == roots_.end() ? none : found->first;
}

const std::string& Mounts::document_root(std::string_view host) const {
  static const std::string none;
  const auto found = roots_.find(HostFor(host));
  return found == roots_.end() ? none : found->second;
}

const Mounts::Point* Mounts::PointOf(std::string_view path, std::string_view host) const {
  const std::string& whose = HostFor(host);
  std::string folded;
  std::string_view clean = path;
  bool slash = path.ends_with('/');
  if (IsFoldable(path)) {
    const auto decoded = DecodePath(path, rules_.scripts.encoded_slashes);
    if (!decoded) {  // whoever would have it says what is wrong with it
      const auto whole = [&](const Point& point) {
        return point.host == whose && path.starts_with(point.at);
      };
      const auto found = std::ranges::find_if(points_, whole);
      return found == points_.end() ? nullptr : &*found;
    }
    const auto within = [&](const Point& point) {
      return point.host == whose && point.at.ends_with('/') && point.at.size() > 1 &&
             path.starts_with(point.at);
    };
    if (const auto named = std::ranges::find_if(points_, within); named != points_.end()) return &*named;
    slash = decoded->ends_with('/') || decoded->ends_with("/.") || decoded->ends_with("/..");
    folded = Folded(*decoded);
    clean = folded;
  } else if (slash) {
    clean.remove_suffix(1);
  }
  const auto holds = [&](const Point& point) { return point.host == whose && point.Holds(clean, slash); };
  const auto found = std::ranges::find_if(points_, holds);
  return found == points_.end() ? nullptr : &*found;
}

std::optional<Mounts::Owner> Mounts::OwnerOf(std::string_view path, std::string_view host) const {
  const Point* const point = !points_.empty() && path.starts_with('/') ? PointOf(path, host) : nullptr;
  return point == nullptr ? std::nullopt : std::optional(Owner{point->kind, point->number});
}

const Mount* Mounts::InterpreterOf(const Point& point, std::string_view name) const {
  if (point.kind != Kind::kFiles) return nullptr;
  const auto suits = [&name](const Mount& each) { return name.ends_with(each.at); };
  const auto found = std::ranges::find_if(interpreters_, suits);
  return found == interpreters_.end() ? nullptr : &*found;
}

tl::expected<Target, Refusal> Mounts::Find(std::string_view path, std::string_view host) const {
  const Point* const point = PointOf(path, host);
  if (point == nullptr) return tl::unexpected(Refusal{404, "no such path"});
  return point->kind == Kind::kProgram ? FindProgram(*point, path) : FindIn(*point, path);
}

tl::expected<Target, Refusal> Mounts::FindProgram(const Point& point, std::string_view path) const {
  // PATH_INFO is kept as it came: what is behind the mount's own segments, however those are written.
  const std::string stem = point.at == "/" ? "" : point.at;
  std::string so_far;
  std::size_t begin = 0;
  while (so_far.size() < stem.size() && begin < path.size()) {
    const auto end = std::min(path.find('/', begin + 1), path.size());
    const auto segment = DecodePath(path.substr(begin, end - begin), rules_.scripts.encoded_slashes);
    if (!segment) return tl::unexpected(Refusal{400, "a bad escape or a control character in the path"});
    FoldOn(so_far, *segment);
    begin = end;
  }
  auto info = DecodePath(path.substr(begin), rules_.scripts.encoded_slashes);
  if (!info) return tl::unexpected(Refusal{400, "a bad escape or a control character in the path"});
  if (so_far != stem || (*info + '/').find("/../") != info->npos)
    return tl::unexpected(Refusal{403, "'..' in the path"});
  sys::UniqueFd directory(::fcntl(point.directory.get(), F_DUPFD_CLOEXEC, 3));
  if (!directory) return tl::unexpected(Refusal{503, "no descriptor left to look for the program"});
  return Script{.directory = std::move(directory),
                .file = point.program.substr(point.program.rfind('/') + 1),
                .absolute_path = point.program,
                .name = stem,
                .path_info = std::move(*info)};
}

tl::expected<Target, Refusal> Mounts::Take(const Point& point, Located located) const {
  const Mount* const with = InterpreterOf(point, located.below);
  if (!S_ISREG(located.info.st_mode)) return tl::unexpected(Refusal{403, "not a regular file"});
  std::vector<std::string> twins;
  if (!located.linked_to.empty()) twins = places_.Of(located.linked_to, point.tree->descriptor());
  if (point.kind == Kind::kFiles && with == nullptr) {
    if (!located.rest.empty()) return tl::unexpected(Refusal{404, "a file with more behind it"});
    FileFound found{.tree = point.tree.get(), .below = std::move(located.below), .info = located.info};
    if (located.readable) found.file = std::move(located.fd);
    found.twins = std::move(twins);
    return found;
  }
  if (with == nullptr && !MayExecute(located.fd.get())) return tl::unexpected(Refusal{403, "not executable"});
  auto script = point.tree->Found(located.below, located.rest);
  if (!script) return tl::unexpected(script.error());
  if (with != nullptr) script->interpreter = with->path;
  script->twins = std::move(twins);
  return std::move(*script);
}

tl::expected<Target, Refusal> Mounts::FindIn(const Point& point, std::string_view path) const {
  using For = ScriptDirectory::For;
  const For what = point.kind == Kind::kFiles ? For::kReading : For::kLooking;
  auto located = point.tree->Locate(path, what);
  if (!located) return tl::unexpected(located.error());
  if (!S_ISDIR(located->info.st_mode)) return Take(point, std::move(*located));
  if (!located->slash) {
    if (point.kind == Kind::kPrograms && located->below.empty())
      return tl::unexpected(Refusal{404, "no such script"});
    return SlashMissing{Encoded(point.at + located->below) + (located->below.empty() ? "" : "/")};
  }
  for (const std::string& name : rules_.index) {
    const std::string whole_path = std::string(path) + (path.ends_with('/') ? "" : "/") + name;
    auto index = point.tree->Locate(whole_path, what);
    if (!index && index.error().status == 404) continue;
    if (!index) return tl::unexpected(index.error());
    if (S_ISDIR(index->info.st_mode)) continue;
    index->rest = {};
    return Take(point, std::move(*index));
  }
  return tl::unexpected(Refusal{403, "a directory, not a script"});
}

}  // namespace hydrapool::cgi
