#include "pool/cgi/passwords.h"

#include <crypt.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "pool/sys/log.h"

namespace hydrapool::cgi {
namespace {

constexpr std::string_view kApr1 = "$apr1$";
/// Of no password that anybody has: for users who are not there.
constexpr const char* kNobody = "$6$hydrapool$nobodyhasthispassword";

/// MD5 of the parts one after the other.
class Md5 {
 public:
  using Sum = std::array<unsigned char, 16>;
  Md5() { EVP_DigestInit_ex(context_.get(), EVP_md5(), nullptr); }
  Md5& Add(std::string_view bytes) {
    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
    return *this;
  }
  Md5& Add(const Sum& sum, std::size_t size = 16) {
    return Add({reinterpret_cast<const char*>(sum.data()), size});
  }
  Sum End() {
    Sum sum{};
    EVP_DigestFinal_ex(context_.get(), sum.data(), nullptr);
    return sum;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

std::string Encode(const Md5::Sum& sum) {
  constexpr std::string_view letters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string text;
  const auto add = [&](unsigned value, int count) {
    for (; count > 0; --count, value >>= 6) text += letters[value & 0x3f];
  };
  constexpr std::array<std::array<std::size_t, 3>, 5> kGroups{
      {{0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}}};
  for (const auto& [a, b, c] : kGroups) add(unsigned{sum[a]} << 16 | unsigned{sum[b]} << 8 | sum[c], 4);
  add(sum[11], 2);
  return text;
}

/// Apache's variant of Poul-Henning Kamp's MD5 crypt (httpd, support/passwd_common, apr_md5_encode).
std::string Apr1(std::string_view password, std::string_view salt) {
  const Md5::Sum inner = Md5().Add(password).Add(salt).Add(password).End();
  Md5 outer;
  outer.Add(password).Add(kApr1).Add(salt);
  for (std::size_t left = password.size(); left > 0; left -= std::min<std::size_t>(left, 16))
    outer.Add(inner, std::min<std::size_t>(left, 16));
  for (std::size_t bits = password.size(); bits > 0; bits >>= 1)
    outer.Add((bits & 1) != 0 ? std::string_view("\0", 1) : password.substr(0, 1));
  Md5::Sum sum = outer.End();
  for (int round = 0; round < 1000; ++round) {
    Md5 next;
    const auto add_sum = [&] { next.Add(sum); };
    if (round % 2 != 0) next.Add(password);
    if (round % 2 == 0) add_sum();
    if (round % 3 != 0) next.Add(salt);
    if (round % 7 != 0) next.Add(password);
    if (round % 2 != 0) add_sum();
    if (round % 2 == 0) next.Add(password);
    sum = next.End();
  }
  return fmt::format("{}{}${}", kApr1, salt, Encode(sum));
}

bool Same(const std::string& a, const std::string& b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

std::optional<bool> HasHash(const std::string& password, const std::string& hash) {
  if (hash.starts_with(kApr1)) {
    const auto end = hash.find('$', kApr1.size());
    if (end == hash.npos || end - kApr1.size() > 8 || hash.size() - end != 23) return std::nullopt;
    return Same(Apr1(password, std::string_view(hash).substr(kApr1.size(), end - kApr1.size())), hash);
  }
  if (!hash.starts_with('$')) return std::nullopt;
  const auto data = std::make_unique<crypt_data>();
  const char* const made = ::crypt_r(password.c_str(), hash.c_str(), data.get());
  if (made == nullptr || *made == '*') return std::nullopt;
  return Same(made, hash);
}

Passwords::Passwords(std::string path) : path_(std::move(path)) {
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
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const auto user = UserLine::Parse(line);
    if (user && user->user.empty()) continue;
    if (!user || !HasHash("", user->hash)) {
      hashes_.clear();
      throw std::runtime_error(
          fmt::format("{}:{}: not USER:HASH with a hash of bcrypt, SHA-512 or apr1", path_, number));
    }
    hashes_.insert_or_assign(user->user, user->hash);
  }
}

void Passwords::LoadIfChanged() {
  struct stat info {};
  const bool there = ::stat(path_.c_str(), &info) == 0;
  const bool same = info.st_mtim.tv_sec == changed_.tv_sec && info.st_mtim.tv_nsec == changed_.tv_nsec;
  if (there && same) return;
  changed_ = info.st_mtim;
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
      HasHash(std::string(password), found == hashes_.end() ? kNobody : found->second).value_or(false);
  if (!right || found == hashes_.end()) return false;
  if (remembered_.size() >= kRemembered) remembered_.clear();
  remembered_.insert(digest);
  return true;
}

}  // namespace hydrapool::cgi
