#include "pool/start_check.h"

#include <sys/stat.h>

#include <cerrno>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>

#include "pool/cgi/body_file.h"
#include "pool/cgi/guards.h"
#include "pool/cgi/handler.h"
#include "pool/cgi/mounts.h"
#include "pool/option_checks.h"
#include "pool/sys/privileges.h"
#include "pool/sys/socket.h"

namespace hydrapool::server {
namespace {

[[noreturn]] void Fail(const std::string& flag, const std::string& path, int error) {
  throw std::runtime_error(flag + " " + path + ": " + std::generic_category().message(error));
}

void CheckAddresses(const Options& options) {
  std::map<std::string, std::string> flags;  // by what they listen at
  const auto check = [&flags](const std::string& flag, const std::string& address) {
    if (address.empty() || address.starts_with("systemd")) return;
    if (const auto known = sys::CheckAddress(address); !known)
      throw std::runtime_error(flag + " " + known.error().message);
    const auto [other, is_new] = flags.emplace(address, flag);
    if (!is_new && !address.ends_with(":0"))
      throw std::runtime_error(flag + " '" + address + "': " + other->second + " listens there already");
  };
  for (const std::string& address : options.listen) check("--listen", ListenAt::Parse(address)->address);
  check("--admin", options.admin);
  if (!options.control.empty()) check("--control", "unix:" + options.control);
}

void CheckDirectories(const Options& options) {
  if (!options.site.cgi) return;
  std::optional<sys::RightsOf> as_user;
  if (options.user) as_user.emplace(*options.user);
  const cgi::Config& config = *options.site.cgi;
  // The usual one may not be there where there are no large bodies: in a container that cannot be written to.
  const bool named = config.body_directory != cgi::Config().body_directory;
  if (named && !cgi::DiskFile(config.body_directory)) Fail("--body-dir", config.body_directory, errno);
  const std::string& root = config.server.document_root;
  struct stat info {};
  if (root.empty()) return;
  if (::stat(root.c_str(), &info) != 0) Fail("--document-root", root, errno);
  if (!S_ISDIR(info.st_mode)) Fail("--document-root", root, ENOTDIR);
}

}  // namespace

void CheckSite(const Options& options) {
  std::optional<sys::RightsOf> as_user;
  if (options.user) as_user.emplace(*options.user);
  cgi::Mounts(options.site.mounts, options.site.rules);
  cgi::Guards(options.site.guards, options.site.realm, options.site.group_file);
}

void CheckStart(const Options& options) {
  CheckAddresses(options);
  CheckDirectories(options);
}

}  // namespace hydrapool::server
