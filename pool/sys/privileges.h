#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

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

/// What root opens or makes while this lives is only what `user` may. No effect where the process is not
/// root. Throws std::system_error; ends the process where it cannot become root again. Not for several
/// threads.
class RightsOf {
 public:
  explicit RightsOf(const User& user);
  ~RightsOf();
  RightsOf(const RightsOf&) = delete;
  RightsOf& operator=(const RightsOf&) = delete;

 private:
  void GoBack() const;
  bool taken_ = false;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
  std::vector<gid_t> groups_;
};

}  // namespace hydrapool::sys
