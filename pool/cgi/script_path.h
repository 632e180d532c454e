#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "pool/sys/unique_fd.h"

namespace hydrapool::cgi {

/// A program that a request path names, found and checked; it has not been started.
struct Script {
  sys::UniqueFd directory;    ///< the directory the script lies in (O_PATH): where it will run
  std::string file;           ///< its name there: run it as `./file`
  std::string absolute_path;  ///< SCRIPT_FILENAME
  std::string name;           ///< SCRIPT_NAME: the decoded URL path up to and with the script
  std::string path_info;      ///< PATH_INFO: the decoded rest, empty or with a leading '/'
  std::string interpreter{};  ///< an absolute path: run this with the script's path; empty: the script itself
  std::vector<std::string> twins{};  ///< FileFound's
};

/// What a request path names beneath a directory: its first component that is no directory, or a directory.
struct Located {
  sys::UniqueFd fd;       ///< O_PATH, unless it may be read
  bool readable = false;  ///< it may: it is open for that
  struct stat info {};
  std::string below;      ///< its path from the directory on, decoded and folded; empty: the directory itself
  std::string_view rest;  ///< of the request path, as it came: empty or with a leading '/'
  bool slash = false;     ///< a directory, named with a slash behind it
  std::string linked_to;  ///< of a file: where it lies, if a symlink led to it and ScriptRules::traces
};

/// Why a path names no script: the HTTP status to answer with and one line for the log. The line never quotes
/// the path.
struct Refusal {
  int status = 404;
  std::string reason;
};

/// Which symlinks are followed. Magic links (/proc/PID/exe) never are, and what leads nowhere is a 404.
enum class Symlinks {
  kBeneath,  ///< those that stay beneath the directory
  kOwner,    ///< others too, where the link's owner owns the target, or root does
  kAll,
};

struct ScriptRules {
  Symlinks symlinks = Symlinks::kOwner;
  bool encoded_slashes = false;  ///< "%2F" may stand in PATH_INFO, and is '/' there
  bool traces = false;  ///< find out where that lies which a symlink leads to: it may be guarded there
};

/// Whether this process may execute what a descriptor (O_PATH) stands for.
[[nodiscard]] bool MayExecute(int fd);

/// A decoded path without empty segments, "." and ".." (RFC 3986, section 5.2.4); without a slash at its end.
[[nodiscard]] std::string Folded(std::string_view path);
/// The same of a path that goes on with another.
void FoldOn(std::string& folded, std::string_view path);

/// A directory of CGI programs and the URL prefix it is served under.
///
///     const cgi::ScriptDirectory scripts("/srv/cgi", "/cgi-bin/");
///     const auto script = scripts.Resolve("/cgi-bin/git/project.git/info/refs");
///     // script->file == "git", script->path_info == "/project.git/info/refs"
///
/// The directory is opened once, and each prefix of the path is looked up from that descriptor by openat2(2)
/// with RESOLVE_NO_MAGICLINKS, and RESOLVE_BENEATH but for the links that the rules allow; the first that is
/// a regular file is the script, what follows is its PATH_INFO (RFC 3875, section 4.1.5).
///
/// Before the script, empty segments, "." and ".." are taken out of the path, escaped or not (RFC 3986,
/// section 5.2.4), in a time that grows with its length alone; a ".." that would leave the directory is
/// refused. PATH_INFO is kept as it came, and
/// refused where it has a "..". Names with a leading dot (`.git/hooks/…`) are never scripts.
///
///   400  a bad escape, an escaped '/', a control character (see DecodePath)
///   403  a `..` as above, a symlink that may not leave, a directory, a device, a file that this process may
///        not execute
///   404  no such file, or a path outside the prefix
///   503  no descriptor or no memory to look with; 500 for any other failure of the system
///
/// Not promised: that the file is still what it was when it is started. Who may write to the directory may
/// run anything. Any number of threads may call Resolve. The constructor throws std::system_error (no
/// directory, no openat2).
class ScriptDirectory {
 public:
  /// `url_prefix` begins and ends with '/'.
  ScriptDirectory(const std::string& path, std::string url_prefix, ScriptRules rules = {});

  /// Whether a path is this directory's matter.
  [[nodiscard]] bool Serves(std::string_view path) const;
  /// `path` is a request's path as it came, undecoded and without its query.
  [[nodiscard]] tl::expected<Script, Refusal> Resolve(std::string_view path) const;

  enum class For : std::uint8_t { kLooking, kReading };
  /// What Resolve looks for, of whatever kind: without the checks of a script. For reading a file whose path
  /// is plain is looked up at once, by one call.
  [[nodiscard]] tl::expected<Located, Refusal> Locate(std::string_view path, For what = For::kLooking) const;
  /// A path that Locate has found, by the same rules, open for reading. Only a regular file is opened, and
  /// looked at before: to open a device or a FIFO does something to it, or waits. All else is a 403. Not
  /// promised: that what takes its name between the look and the opening is not opened; it is not waited for.
  [[nodiscard]] tl::expected<sys::UniqueFd, Refusal> OpenRegular(const std::string& below,
                                                                 struct stat& info) const;
  /// The same of a file that belongs to another, which is open: a symlink to another directory than that
  /// one's is a 404, where such are traced.
  [[nodiscard]] tl::expected<sys::UniqueFd, Refusal> OpenBeside(int other, const std::string& below,
                                                                struct stat& info) const;
  /// The script of a regular file that was located.
  [[nodiscard]] tl::expected<Script, Refusal> Found(const std::string& below, std::string_view rest) const;

  [[nodiscard]] const std::string& prefix() const { return prefix_; }
  /// The directory's absolute path, symlinks resolved.
  [[nodiscard]] const std::string& root() const { return root_; }
  /// Opened with O_PATH.
  [[nodiscard]] int descriptor() const { return directory_.get(); }

 private:
  [[nodiscard]] tl::expected<sys::UniqueFd, Refusal> Open(const std::string& below, int flags) const;
  [[nodiscard]] std::optional<Located> OpenPlain(std::string_view path) const;

  std::string prefix_;
  std::string root_;
  ScriptRules rules_;
  sys::UniqueFd directory_;
};

}  // namespace hydrapool::cgi
