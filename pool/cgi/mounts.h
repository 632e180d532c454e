#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "pool/cgi/places.h"
#include "pool/cgi/script_path.h"
#include "pool/sys/error.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::cgi {

/// A part of a site: which requests, and what answers them.
struct Mount {
  enum class Kind {
    kPrograms,  ///< `/cgi-bin/=cgi:/usr/lib/cgi-bin`: the programs of a directory
    kProgram,   ///< `/git=program:/usr/lib/git-core/git-http-backend`: one program, whose PATH_INFO is the
                ///< rest
    kFiles,     ///< `/=files:/srv/www`: the files of a directory
    kWith,      ///< `*.php=with:/usr/bin/php-cgi`: files of such names are programs, run by another
  };
  Kind kind = Kind::kFiles;
  std::string at;      ///< a path ("/", "/cgi-bin/", "/git"), or the name's end (".php")
  std::string path;    ///< of a directory or a program, absolute
  std::string host{};  ///< `//wiki.example.org/=files:/srv/wiki`: of requests to that host alone; else empty

  /// AT=KIND:PATH.
  [[nodiscard]] static sys::Result<Mount> Parse(const std::string& text);
};

/// A request's Host without its port and a dot at its end, in small letters.
[[nodiscard]] std::string BareHost(std::string_view host);

struct MountRules {
  ScriptRules scripts{};
  std::vector<std::string> index{
      "index.html"};  ///< what a directory's path stands for, the first that is there
};

/// A file to send.
struct FileFound {
  const ScriptDirectory* tree = nullptr;
  std::string below;  ///< its path in there
  struct stat info {};
  sys::UniqueFd file{};              ///< open for reading, where it was found so
  std::vector<std::string> twins{};  ///< other paths that it is served at, where a symlink led to it
};

/// A directory was named without a slash behind it: this path has one. Encoded, and never of two slashes at
/// the beginning, which would name another host.
struct SlashMissing {
  std::string path;
};

using Target = std::variant<Script, FileFound, SlashMissing>;

/// Where a request's path has led to, decoded: of a directory, to its index; and by a symlink, where
/// ScriptRules::traces, to what has other paths (Places). Empty: nowhere yet.
[[nodiscard]] std::vector<std::string> PathsOf(const Script& script);
[[nodiscard]] std::vector<std::string> PathsOf(const Target& target);

/// The parts of a site. A path belongs to the mount of the longest prefix of whole segments that it begins
/// with, as it came or else once it is folded (RFC 3986, section 5.2.4); programs at "/cgi-bin/" do not hold
/// "/cgi-bin". A path that leaves its mount by ".." is refused (403).
///
///     const cgi::Mounts site({{Kind::kFiles, "/", "/srv/www"}, {Kind::kWith, ".php", "/usr/bin/php-cgi"}},
///     {}); const auto target = site.Find("/index.php/a?");   // a Script whose path_info is "/a"
///
/// Within a directory what ScriptDirectory says holds: symlinks by its rules, no names with a leading dot, no
/// "..". A path that ends in a slash stands for the first of MountRules::index that its directory holds.
/// There are no listings (403).
///
/// A host that has mounts of its own has only those, and all other hosts have those without one. Hosts are
/// compared without port and case.
///
/// Opened once; the constructor throws std::runtime_error with one line: no such directory, no such program,
/// two mounts at one place. Any number of threads may use it.
class Mounts {
 public:
  Mounts(const std::vector<Mount>& mounts, MountRules rules);
  ~Mounts();
  Mounts(const Mounts&) = delete;
  Mounts& operator=(const Mounts&) = delete;

  struct Owner {
    Mount::Kind kind;
    std::size_t number;  ///< in the list that the constructor was given
  };
  /// The mount that a path, undecoded and without its query, belongs to. Never a kWith.
  [[nodiscard]] std::optional<Owner> OwnerOf(std::string_view path, std::string_view host = "") const;
  /// What the path names. 404: it is no mount's.
  [[nodiscard]] tl::expected<Target, Refusal> Find(std::string_view path, std::string_view host = "") const;
  /// It matters which host is asked for.
  [[nodiscard]] bool has_hosts() const { return has_hosts_; }
  /// DOCUMENT_ROOT: the directory of files at "/", else the first directory.
  [[nodiscard]] const std::string& document_root(std::string_view host = "") const;

 private:
  struct Point;
  [[nodiscard]] const Point* PointOf(std::string_view path, std::string_view host) const;
  /// Whose mounts a request's Host has: one of roots_.
  [[nodiscard]] const std::string& HostFor(std::string_view host) const;
  [[nodiscard]] tl::expected<Target, Refusal> FindProgram(const Point& point, std::string_view path) const;
  [[nodiscard]] tl::expected<Target, Refusal> FindIn(const Point& point, std::string_view path) const;
  [[nodiscard]] tl::expected<Target, Refusal> Take(const Point& point, Located located) const;
  [[nodiscard]] const Mount* InterpreterOf(const Point& point, std::string_view name) const;

  MountRules rules_;
  std::vector<Point> points_;  // the longest prefix first
  std::vector<Mount> interpreters_;
  Places places_;
  bool has_hosts_ = false;
  std::map<std::string, std::string> roots_;  // by host: its DOCUMENT_ROOT; "": of all the others
};

}  // namespace hydrapool::cgi
