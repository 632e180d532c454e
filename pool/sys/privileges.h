#pragma once

#include <sys/types.h>

#include <string>

#include "pool/sys/error.h"

namespace hydrapool::sys {

/// Who a process can become.
struct User {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

/// "NAME", whose group is the one of the user database, or "NAME:GROUP"; each may be a number that the
/// database has. (getpwnam(3), getgrnam(3).)
[[nodiscard]] Result<User> FindUser(const std::string& text);

/// The process becomes `user` for good: its groups, its group, then its user (credentials(7)), so that it
/// loses every capability; the kernel then also keeps its environment and memory from processes of that user.
/// Only root can; a process that already is that user need not. After an error the process must not go on.
/// Not for a process with several threads that do anything meanwhile.
[[nodiscard]] Result<void> Become(const User& user);

}  // namespace hydrapool::sys
