#include "pool/cgi/passwords.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "pool/sys/log.h"

namespace hydrapool::cgi {
namespace {

/// Of no password that anybody has: for the users of a file that has none.
constexpr const char* kNobody = "$6$hydrapool$nobodyhasthispassword";

}  // namespace

std::optional<timespec> ChangedAt(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? std::optional(info.st_mtim) : std::nullopt;
}

bool Same(const std::optional<timespec>& a, const std::optional<timespec>& b) {
  if (!a || !b) return !a && !b;
  return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

Passwords::Passwords(std::string path, Hasher* has_hash) : path_(std::move(path)), has_hash_(has_hash) {
  if (::getrandom(key_.data(), key_.size(), 0) != static_cast<ssize_t>(key_.size()))
    throw std::runtime_error("no random bytes for the passwords of " + path_);
  Load();
}

void Passwords::Load() {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0)
    throw std::runtime_error(path_ + ": " + std::generic_category().message(errno));
  if (!S_ISREG(info.st_mode)) throw std::runtime_error(path_ + ": not a regular file");
  std::ifstream file(path_);
  if (!file) throw std::runtime_error(path_ + ": " + std::generic_category().message(errno));
  changed_ = info.st_mtim;
  hashes_.clear();
  remembered_.clear();
  nobodys_ = kNobody;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const auto user = UserLine::Parse(line);
    if (user && user->user.empty()) continue;
    if (!user || !IsHash(user->hash)) {
      hashes_.clear();
      throw std::runtime_error(
          fmt::format("{}:{}: not USER:HASH with a hash of bcrypt, SHA-512 or apr1", path_, number));
    }
    hashes_.insert_or_assign(user->user, user->hash);
  }
  const auto dearest = std::ranges::max_element(
      hashes_, {}, [](const auto& user_and_hash) { return CostOf(user_and_hash.second); });
  if (dearest != hashes_.end()) nobodys_ = dearest->second;
}

void Passwords::LoadIfChanged() {
  const auto now = ChangedAt(path_);
  if (Same(now, changed_)) return;
  changed_ = now;
  try {
    Load();
  } catch (const std::exception& error) {
    hashes_.clear();
    remembered_.clear();
    sys::log::Error("{}: nobody is let in by it", error.what());
  }
}

Passwords::Digest Passwords::DigestOf(std::string_view user, std::string_view password) const {
  const std::string both = fmt::format("{}:{}", user, password);  // a user's name holds no colon
  Digest digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const unsigned char*>(both.data()), both.size(), digest.data(), &size);
  return digest;
}

bool Passwords::Check(std::string_view user, std::string_view password) {
  LoadIfChanged();
  if (password.find('\0') != password.npos) return false;
  const Digest digest = DigestOf(user, password);
  if (remembered_.contains(digest)) return true;
  const auto found = hashes_.find(user);
  const bool right =
      has_hash_(std::string(password), found == hashes_.end() ? nobodys_ : found->second).value_or(false);
  if (!right || found == hashes_.end()) return false;
  if (remembered_.size() >= kRemembered) remembered_.clear();
  remembered_.insert(digest);
  return true;
}

}  // namespace hydrapool::cgi
