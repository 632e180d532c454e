#include "pool/sys/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <optional>

namespace hydrapool::sys {

namespace {

std::optional<unsigned> NumberOf(const std::string& text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

}  // namespace

Result<User> FindUser(const std::string& text) {
  const auto colon = text.find(':');
  const auto name = text.substr(0, colon);
  const auto number = NumberOf(name);
  const passwd* user = ::getpwnam(name.c_str());
  if (user == nullptr && number) user = ::getpwuid(*number);
  if (user == nullptr) return Failure("there is no user '" + name + "'");
  User found{.name = user->pw_name, .uid = user->pw_uid, .gid = user->pw_gid};
  if (colon == text.npos) return found;
  const auto group_name = text.substr(colon + 1);
  const auto group_number = NumberOf(group_name);
  const ::group* group = ::getgrnam(group_name.c_str());
  if (group == nullptr && group_number) group = ::getgrgid(*group_number);
  if (group == nullptr) return Failure("there is no group '" + group_name + "'");
  found.gid = group->gr_gid;
  return found;
}

Result<void> Become(const User& user) {
  if (::getuid() == user.uid && ::geteuid() == user.uid && ::getgid() == user.gid) return {};
  if (::initgroups(user.name.c_str(), user.gid) == 0 && ::setresgid(user.gid, user.gid, user.gid) == 0 &&
      ::setresuid(user.uid, user.uid, user.uid) == 0) {
    return {};
  }
  return Failure(errno, "cannot become " + user.name);
}

RightsOf::RightsOf(const User& user) : uid_(::geteuid()), gid_(::getegid()) {
  if (uid_ != 0) return;
  groups_.resize(static_cast<std::size_t>(Check(::getgroups(0, nullptr), "getgroups")));
  Check(::getgroups(static_cast<int>(groups_.size()), groups_.data()), "getgroups");
  if (::initgroups(user.name.c_str(), user.gid) == 0 && ::setegid(user.gid) == 0 &&
      ::seteuid(user.uid) == 0) {
    taken_ = true;
    return;
  }
  const int error = errno;
  GoBack();
  ThrowErrno(error, "the rights of " + user.name);
}

RightsOf::~RightsOf() {
  if (taken_) GoBack();
}

void RightsOf::GoBack() const {
  if (::seteuid(uid_) != 0 || ::setegid(gid_) != 0 || ::setgroups(groups_.size(), groups_.data()) != 0)
    std::abort();
}

}  // namespace hydrapool::sys
