#pragma once

#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pool/cgi/passwords.h"
#include "pool/http/request.h"
#include "pool/sys/error.h"

namespace hydrapool::cgi {

/// Who may ask for a path and all below it: `/private=/etc/htpasswd`.
struct Guard {
  std::string at;    ///< "/private", without a slash at its end; empty: everything
  std::string file;  ///< htpasswd, absolute
  /// Of that file's users only these, or those of a group ("@admins"); empty: all of them.
  std::vector<std::string> allowed{};

  [[nodiscard]] static sys::Result<Guard> Parse(const std::string& text);
  /// `/private=joe,@admins`: a guard without a file, to go with one that has it.
  [[nodiscard]] static sys::Result<Guard> ParseAllowed(const std::string& text);
};

/// A file of groups (htgroup): lines of NAME: USER USER…, empty ones and those with '#' first passed over.
/// Read again when it has changed; one that is malformed by then has no groups. The constructor throws
/// std::runtime_error: "/etc/htgroup:3: …". Not for several threads.
class Groups {
 public:
  explicit Groups(std::string path);
  [[nodiscard]] bool Has(std::string_view group, const std::string& user);

 private:
  void Load();

  const std::string path_;
  std::optional<timespec> changed_;  // nullopt: it was not there
  std::map<std::string, std::set<std::string>, std::less<>> groups_;
};

/// What Basic credentials say (RFC 7617): nullopt where the field is malformed or of another scheme.
struct Credentials {
  std::string user;
  std::string password;
  [[nodiscard]] static std::optional<Credentials> Parse(std::string_view field);
};

/// The guarded paths of a site. The longest one that holds a path counts, folded as Mounts folds it (RFC
/// 3986, section 5.2.4), so that no spelling of a path goes round its guard.
///
/// The constructor throws std::runtime_error with one line. Not for several threads.
class Guards {
 public:
  /// `group_file`: empty where no guard names a group.
  Guards(const std::vector<Guard>& guards, std::string realm, const std::string& group_file = "");

  [[nodiscard]] bool Covers(std::string_view path) const { return PointOf(path) != nullptr; }
  /// The request may be answered: its path is not guarded, or one of the guard's users asks.
  [[nodiscard]] bool Passes(const http::Request& request) {
    return points_.empty() || Proves(request, PointOf(request.path));
  }
  [[nodiscard]] bool CoversAny(const std::vector<std::string>& decoded) const;
  /// The request may be answered by what its path has led to, decoded (PathsOf).
  [[nodiscard]] bool PassesTo(const http::Request& request, const std::vector<std::string>& decoded);
  [[nodiscard]] bool any() const { return !points_.empty(); }
  /// REMOTE_USER of a request that has passed a guard, of its path or of what that has led to; nullopt:
  /// neither is guarded.
  [[nodiscard]] std::optional<std::string> UserOf(const http::Request& request,
                                                  const std::vector<std::string>& decoded = {}) const;
  /// The field of a 401.
  [[nodiscard]] const std::string& challenge() const { return challenge_; }

 private:
  struct Point {
    std::string at;
    std::shared_ptr<Passwords> passwords;
    std::vector<std::string> allowed;
  };
  [[nodiscard]] bool Proves(const http::Request& request, const Point* point);
  [[nodiscard]] bool Allows(const Point& point, const std::string& user);
  [[nodiscard]] const Point* PointOf(std::string_view path) const;
  [[nodiscard]] const Point* PointOfFolded(const std::string& folded) const;

  std::vector<Point> points_;  // the longest first
  std::optional<Groups> groups_;
  std::string challenge_;
};

}  // namespace hydrapool::cgi
