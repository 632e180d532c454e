#pragma once

#include <array>
#include <ctime>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "pool/cgi/password_hash.h"

namespace hydrapool::cgi {

/// When a file was last changed; nullopt: it is not there.
[[nodiscard]] std::optional<timespec> ChangedAt(const std::string& path);
[[nodiscard]] bool Same(const std::optional<timespec>& a, const std::optional<timespec>& b);

/// The users of an htpasswd file: lines of USER:HASH, empty ones and those with '#' first passed over.
///
/// Hashes: whatever crypt(3) of the system takes (bcrypt, which `htpasswd -B` makes; SHA-512; yescrypt) and
/// Apache's own MD5 ($apr1$, `htpasswd -m`). Others ({SHA}, plain text, old DES) are refused.
///
///     Passwords passwords("/etc/htpasswd");   // throws std::runtime_error: "/etc/htpasswd:3: …"
///     if (passwords.Check("joe", "secret")) …
///
/// A user who is not there costs as much time as the one whose hash is the dearest, so that the time does not
/// tell who is there as long as all hashes are of one kind and cost; hashes are compared in constant time.
/// What was right is remembered, as a keyed digest only, so that a slow hash is paid for once by each worker;
/// a wrong one is paid for each time. To load the file computes none. It is read again when it has changed;
/// one that is malformed or gone by then counts for nothing, which is told once, and nobody is let in by it.
/// Not for several threads.
class Passwords {
 public:
  using Hasher = std::optional<bool>(const std::string& password, const std::string& hash);
  explicit Passwords(std::string path, Hasher* has_hash = &HasHash);
  [[nodiscard]] bool Check(std::string_view user, std::string_view password);

 private:
  using Digest = std::array<unsigned char, 32>;
  void Load();
  void LoadIfChanged();
  [[nodiscard]] Digest DigestOf(std::string_view user, std::string_view password) const;

  static constexpr std::size_t kRemembered = 1024;

  const std::string path_;
  Hasher* const has_hash_;
  std::optional<timespec> changed_;  // nullopt: it was not there
  std::string nobodys_;              // the hash that a user who is not there is asked for
  std::map<std::string, std::string, std::less<>> hashes_;
  std::set<Digest> remembered_;
  Digest key_{};
};

/// A line of an htpasswd file. No user: a line to pass over. Whether the hash is one, HasHash says.
struct UserLine {
  std::string user{};
  std::string hash{};
  [[nodiscard]] static std::optional<UserLine> Parse(std::string_view line);
};

}  // namespace hydrapool::cgi
