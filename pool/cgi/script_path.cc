#include "pool/cgi/script_path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "pool/cgi/percent.h"
#include "pool/cgi/places.h"
#include "pool/sys/error.h"

namespace hydrapool::cgi {
namespace {

constexpr int kReading = O_RDONLY | O_NONBLOCK | O_NOCTTY;
constexpr int kLookupRetries = 16;  // EAGAIN: a rename somewhere raced with a ".." in a symlink

int OpenIn(int directory, const char* path, int flags, std::uint64_t resolve = RESOLVE_BENEATH) {
  open_how how{};
  how.flags = static_cast<unsigned>(O_CLOEXEC | flags);
  how.resolve = resolve | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0;; ++attempt) {
    const long fd = ::syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN || attempt == kLookupRetries) return static_cast<int>(fd);
  }
}

/// For reading; empty: the path names no regular file itself, or it cannot be opened.
sys::UniqueFd OpenIfRegular(int directory, const std::string& path, struct stat& info, bool directly) {
  if (::fstatat(directory, path.c_str(), &info, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0 ||
      !S_ISREG(info.st_mode))
    return {};
  const std::uint64_t resolve = RESOLVE_BENEATH | (directly ? RESOLVE_NO_SYMLINKS : 0);
  sys::UniqueFd file(OpenIn(directory, path.c_str(), kReading, resolve));
  if (!file || ::fstat(file.get(), &info) < 0 || !S_ISREG(info.st_mode)) return {};
  return file;
}

Refusal RefusalFor(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
      return {404, "no such script"};
    case EXDEV:
      return {403, "the path leaves the CGI directory by a symlink that is not followed"};
    case ELOOP:
      return {403, "a symlink loop or a magic link"};
    case EACCES:
    case EPERM:
      return {403, "permission denied"};
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return {503, std::string("cannot look for the script: ") + std::strerror(error)};
    default:
      return {500, std::string("cannot look for the script: ") + std::strerror(error)};
  }
}

tl::unexpected<Refusal> Refuse(int status, std::string reason) {
  return tl::unexpected(Refusal{status, std::move(reason)});
}

/// How much of the rest of a path it takes until a ".." has taken away the segment before it; npos: none
/// does.
std::size_t TakenBackAfter(std::string_view rest) {
  int depth = 1;
  for (std::size_t begin = 0; begin < rest.size();) {
    const auto end = std::min(rest.find('/', begin), rest.size());
    const auto segment = DecodePath(rest.substr(begin, end - begin), true).value_or("");
    begin = end + 1;
    if (segment.empty() || segment == ".") continue;
    depth += segment == ".." ? -1 : 1;
    if (depth == 0) return end;
  }
  return rest.npos;
}

/// Neither escapes and control characters nor segments that are empty or begin with a dot.
bool IsPlain(std::string_view path) {
  char before = 'x';
  for (const char c : path) {
    if (before == '/' && (c == '/' || c == '.')) return false;
    if (c == '%' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
    before = c;
  }
  return true;
}

std::string CheckedPrefix(std::string prefix) {
  if (prefix.empty() || prefix.front() != '/' || prefix.back() != '/') {
    throw std::invalid_argument("a CGI prefix begins and ends with '/': " + prefix);
  }
  return prefix;
}

std::string AbsolutePath(const std::string& path) {
  std::error_code error;
  auto absolute = std::filesystem::canonical(path, error);
  if (error) throw std::system_error(error, "CGI directory " + path);
  return absolute.string();
}

}  // namespace

void FoldOn(std::string& folded, std::string_view path) {
  for (std::size_t begin = 0; begin < path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    const auto segment = path.substr(begin, end - begin);
    begin = end + 1;
    if (segment == "..") folded.erase(std::min(folded.rfind('/'), folded.size()));
    if (segment.empty() || segment == "." || segment == "..") continue;
    folded.append("/").append(segment);
  }
}

std::string Folded(std::string_view path) {
  std::string folded;
  FoldOn(folded, path);
  return folded;
}

bool MayExecute(int fd) { return ::faccessat(fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) == 0; }

ScriptDirectory::ScriptDirectory(const std::string& path, std::string url_prefix, ScriptRules rules)
    : prefix_(CheckedPrefix(std::move(url_prefix))), root_(AbsolutePath(path)), rules_(rules) {
  directory_.Reset(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory_) sys::ThrowErrno(errno, "CGI directory " + path);
  if (::faccessat(directory_.get(), ".", X_OK, AT_EACCESS) < 0)
    sys::ThrowErrno(errno, "CGI directory " + path);
  const sys::UniqueFd probe(OpenIn(directory_.get(), ".", O_PATH | O_DIRECTORY));
  if (!probe) sys::ThrowErrno(errno, "openat2 in CGI directory " + path);
}

bool ScriptDirectory::Serves(std::string_view path) const {
  if (path.starts_with(prefix_)) return true;
  // What else may come to the same: "//", "/./", "/x/../" and escapes.
  if (path.find("//") == path.npos && path.find("/.") == path.npos && path.find('%') == path.npos)
    return false;
  const auto decoded = DecodePath(path, rules_.encoded_slashes);
  return decoded && (Folded(*decoded) + '/').starts_with(prefix_);
}

// A path below the directory whose components but the last have been opened before. What leaves it does so by
// a symlink, the last component.
tl::expected<sys::UniqueFd, Refusal> ScriptDirectory::Open(const std::string& path, int flags) const {
  sys::UniqueFd found(OpenIn(directory_.get(), path.c_str(), flags));
  if (found) return found;
  if (errno != EXDEV || rules_.symlinks == Symlinks::kBeneath) return tl::unexpected(RefusalFor(errno));
  found.Reset(OpenIn(directory_.get(), path.c_str(), flags, 0));
  if (!found) return tl::unexpected(RefusalFor(errno));
  if (rules_.symlinks == Symlinks::kAll) return found;
  struct stat link {};
  struct stat target {};
  if (::fstatat(directory_.get(), path.c_str(), &link, AT_SYMLINK_NOFOLLOW) < 0 ||
      ::fstat(found.get(), &target) < 0) {
    return tl::unexpected(RefusalFor(errno));
  }
  const bool beyond = !S_ISLNK(link.st_mode);  // a link before it has been looked at
  if (beyond || target.st_uid == 0 || target.st_uid == link.st_uid) return found;
  return Refuse(403, "a symlink to what another user than its own owns");
}

tl::expected<sys::UniqueFd, Refusal> ScriptDirectory::OpenRegular(const std::string& below,
                                                                  struct stat& info) const {
  if (sys::UniqueFd file = OpenIfRegular(directory_.get(), below, info, rules_.traces)) return file;
  tl::expected<sys::UniqueFd, Refusal> file;
  for (const int flags : {O_PATH, kReading}) {
    file = Open(below, flags);
    if (!file) return file;
    if (::fstat(file->get(), &info) < 0) return tl::unexpected(RefusalFor(errno));
    if (!S_ISREG(info.st_mode)) return Refuse(403, "not a regular file");
  }
  return file;
}

tl::expected<sys::UniqueFd, Refusal> ScriptDirectory::OpenBeside(int other, const std::string& below,
                                                                 struct stat& info) const {
  auto file = OpenRegular(below, info);
  const auto directory = [](int fd) { return std::filesystem::path(PathOfDescriptor(fd)).parent_path(); };
  if (file && rules_.traces && directory(file->get()) != directory(other)) return Refuse(404, "elsewhere");
  return file;
}

tl::expected<Script, Refusal> ScriptDirectory::Found(const std::string& path, std::string_view rest) const {
  auto path_info = DecodePath(rest, rules_.encoded_slashes);
  if (!path_info) return Refuse(400, "a bad escape or a control character in the path");
  if ((*path_info + '/').find("/../") != path_info->npos) return Refuse(403, "'..' in the path");
  const auto slash = path.rfind('/');
  auto directory = Open(slash == path.npos ? "." : path.substr(0, slash), O_PATH | O_DIRECTORY);
  if (!directory) return tl::unexpected(directory.error());
  return Script{.directory = std::move(*directory),
                .file = path.substr(slash == path.npos ? 0 : slash + 1),
                .absolute_path = root_ == "/" ? root_ + path : root_ + '/' + path,
                .name = prefix_ + path,
                .path_info = std::move(*path_info)};
}

// Where no symlink leaves the directory, what the whole path opens is what its components would lead to.
std::optional<Located> ScriptDirectory::OpenPlain(std::string_view path) const {
  if (!path.starts_with(prefix_) || path.ends_with('/') || !IsPlain(path)) return std::nullopt;
  Located located;
  located.below = path.substr(prefix_.size());
  located.rest = path.substr(path.size());
  located.fd = OpenIfRegular(directory_.get(), located.below, located.info, rules_.traces);
  located.readable = true;
  return located.fd ? std::optional(std::move(located)) : std::nullopt;
}

tl::expected<Located, Refusal> ScriptDirectory::Locate(std::string_view path, For what) const {
  if (what == For::kReading) {
    if (auto located = OpenPlain(path)) return std::move(*located);
  }
  if (!DecodePath(path, rules_.encoded_slashes))
    return Refuse(400, "a bad escape or a control character in the path");
  const std::string_view prefix = std::string_view(prefix_).substr(0, prefix_.size() - 1);
  std::string so_far;
  const auto is_inside = [&] {
    return so_far.starts_with(prefix) && (so_far.size() == prefix.size() || so_far[prefix.size()] == '/');
  };
  Located located;
  for (std::size_t begin = 0; begin < path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    const std::string segment = *DecodePath(path.substr(begin, end - begin), true);
    begin = end + 1;
    const bool inside = is_inside();
    if (segment == "..") {
      if (inside && so_far.size() == prefix.size()) return Refuse(403, "'..' in the path");
      so_far.erase(std::min(so_far.rfind('/'), so_far.size()));
    }
    located.slash = segment.empty() || segment == "." || segment == ".." || end < path.size();
    if (segment.empty() || segment == "." || segment == "..") continue;
    if (segment.find('/') != segment.npos) return Refuse(404, "no such script");
    so_far += '/' + segment;
    if (!inside) continue;

    if (segment.front() == '.') return Refuse(404, "a name with a leading dot");
    located.below = so_far.substr(prefix_.size());
    auto found = Open(located.below, O_PATH);
    if (!found && found.error().status == 404) {  // what is below it is taken back with it
      const std::string_view rest = path.substr(end);
      const auto taken = TakenBackAfter(rest);
      if (taken == rest.npos) return tl::unexpected(found.error());
      begin = end + taken;
      so_far.erase(so_far.rfind('/'));
      located.slash = true;
      continue;
    }
    if (!found) return tl::unexpected(found.error());
    if (::fstat(found->get(), &located.info) < 0) return tl::unexpected(RefusalFor(errno));
    if (S_ISDIR(located.info.st_mode)) continue;
    located.fd = std::move(*found);
    located.rest = path.substr(end);
    located.slash = false;
    if (!rules_.traces) return located;
    auto linked_to = LinkedTo(directory_.get(), located.below, located.fd.get());
    if (!linked_to) return tl::unexpected(linked_to.error());
    located.linked_to = std::move(*linked_to);
    return located;
  }
  if (!is_inside()) return Refuse(404, "outside the CGI prefix");
  located.below = so_far.size() > prefix.size() ? so_far.substr(prefix_.size()) : "";
  auto directory = Open(located.below.empty() ? "." : located.below, O_PATH | O_DIRECTORY);
  if (!directory) return tl::unexpected(directory.error());
  located.fd = std::move(*directory);
  if (::fstat(located.fd.get(), &located.info) < 0) return tl::unexpected(RefusalFor(errno));
  return located;
}

tl::expected<Script, Refusal> ScriptDirectory::Resolve(std::string_view path) const {
  const auto located = Locate(path);
  if (!located) return tl::unexpected(located.error());
  if (S_ISDIR(located->info.st_mode)) {
    const bool named = located->slash || !located->below.empty();
    return named ? Refuse(403, "a directory, not a script") : Refuse(404, "outside the CGI prefix");
  }
  if (!S_ISREG(located->info.st_mode)) return Refuse(403, "not a regular file");
  if (!MayExecute(located->fd.get())) return Refuse(403, "not executable");
  return Found(located->below, located->rest);
}

}  // namespace hydrapool::cgi
