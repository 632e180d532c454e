#include "pool/cgi/script_path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "pool/cgi/percent.h"
#include "pool/sys/error.h"

namespace hydrapool::cgi {
namespace {

constexpr int kLookupRetries = 16;  // EAGAIN: a rename somewhere raced with a ".." in a symlink

int OpenBeneath(int directory, const char* path, int flags) {
  open_how how{};
  how.flags = static_cast<unsigned>(O_PATH | O_CLOEXEC | flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0;; ++attempt) {
    const long fd = ::syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN || attempt == kLookupRetries) return static_cast<int>(fd);
  }
}

Refusal RefusalFor(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
      return {404, "no such script"};
    case EXDEV:
      return {403, "the path leaves the CGI directory"};
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

bool HasParentSegment(std::string_view path) {
  for (std::size_t begin = 0; begin <= path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    if (path.substr(begin, end - begin) == "..") return true;
    begin = end + 1;
  }
  return false;
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

ScriptDirectory::ScriptDirectory(const std::string& path, std::string url_prefix)
    : prefix_(CheckedPrefix(std::move(url_prefix))), root_(AbsolutePath(path)) {
  directory_.Reset(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory_) sys::ThrowErrno(errno, "CGI directory " + path);
  if (::faccessat(directory_.get(), ".", X_OK, AT_EACCESS) < 0)
    sys::ThrowErrno(errno, "CGI directory " + path);
  const sys::UniqueFd probe(OpenBeneath(directory_.get(), ".", O_DIRECTORY));
  if (!probe) sys::ThrowErrno(errno, "openat2 in CGI directory " + path);
}

tl::expected<Script, Refusal> ScriptDirectory::Resolve(std::string_view path) const {
  if (!path.starts_with(prefix_)) return Refuse(404, "outside the CGI prefix");
  const auto decoded = DecodePath(path.substr(prefix_.size()));
  if (!decoded) return Refuse(400, "a bad escape or a control character in the path");
  if (HasParentSegment(*decoded)) return Refuse(403, "'..' in the path");

  for (std::size_t begin = 0;;) {
    const auto end = std::min(decoded->find('/', begin), decoded->size());
    if (end == begin) {
      return end == decoded->size() ? Refuse(403, "a directory, not a script")
                                    : Refuse(404, "an empty segment");
    }
    if ((*decoded)[begin] == '.') return Refuse(404, "a name with a leading dot");

    const std::string so_far = decoded->substr(0, end);
    const sys::UniqueFd found(OpenBeneath(directory_.get(), so_far.c_str(), 0));
    if (!found) return tl::unexpected(RefusalFor(errno));
    struct stat info;
    if (::fstat(found.get(), &info) < 0) return tl::unexpected(RefusalFor(errno));

    if (S_ISDIR(info.st_mode)) {
      if (end == decoded->size()) return Refuse(403, "a directory, not a script");
      begin = end + 1;
      continue;
    }
    if (!S_ISREG(info.st_mode)) return Refuse(403, "not a regular file");
    if (::faccessat(found.get(), "", X_OK, AT_EMPTY_PATH | AT_EACCESS) < 0)
      return Refuse(403, "not executable");

    const std::string parent = begin == 0 ? "." : decoded->substr(0, begin - 1);
    sys::UniqueFd directory(OpenBeneath(directory_.get(), parent.c_str(), O_DIRECTORY));
    if (!directory) return tl::unexpected(RefusalFor(errno));
    return Script{.directory = std::move(directory),
                  .file = decoded->substr(begin, end - begin),
                  .absolute_path = root_ == "/" ? root_ + so_far : root_ + '/' + so_far,
                  .name = prefix_ + so_far,
                  .path_info = decoded->substr(end)};
  }
}

}  // namespace hydrapool::cgi
