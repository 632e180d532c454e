#include "pool/cgi/password_hash.h"

#include <crypt.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <memory>
#include <string_view>

namespace hydrapool::cgi {
namespace {

constexpr std::string_view kApr1 = "$apr1$";
constexpr std::string_view kLetters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Of crypt(5): how a hash begins, and how many letters are behind its last '$'.
struct Kind {
  std::string_view prefix;
  std::size_t letters;
};
constexpr std::array<Kind, 14> kKinds{{{"$2a$", 53},
                                       {"$2b$", 53},
                                       {"$2x$", 53},
                                       {"$2y$", 53},
                                       {"$6$", 86},
                                       {"$5$", 43},
                                       {"$1$", 22},
                                       {"$y$", 43},
                                       {"$gy$", 43},
                                       {"$7$", 43},
                                       {"$sha1$", 28},
                                       {"$md5$", 22},
                                       {"$md5,", 22},
                                       {"$3$$", 32}}};

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
  std::string text;
  const auto add = [&](unsigned value, int count) {
    for (; count > 0; --count, value >>= 6) text += kLetters[value & 0x3f];
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

double NumberBehind(std::string_view hash, std::string_view name, double otherwise) {
  const auto at = hash.find(name);
  if (at == hash.npos) return otherwise;
  unsigned number = 0;
  const char* const begin = hash.data() + at + name.size();
  return std::from_chars(begin, hash.data() + hash.size(), number).ec == std::errc() ? number : otherwise;
}

constexpr std::size_t kBcryptSalt = 7;  // "$2b$10$"
double BcryptCost(std::string_view hash) { return NumberBehind(hash.substr(3), "$", 0); }

bool IsApr1(const std::string& hash) {
  const auto end = hash.find('$', kApr1.size());
  return hash.starts_with(kApr1) && end != hash.npos && end - kApr1.size() <= 8 && hash.size() - end == 23;
}

}  // namespace

std::optional<bool> HasHash(const std::string& password, const std::string& hash) {
  if (hash.starts_with(kApr1)) {
    if (!IsApr1(hash)) return std::nullopt;
    const auto end = hash.find('$', kApr1.size());
    return Same(Apr1(password, std::string_view(hash).substr(kApr1.size(), end - kApr1.size())), hash);
  }
  if (!hash.starts_with('$')) return std::nullopt;
  const auto data = std::make_unique<crypt_data>();
  const char* const made = ::crypt_r(password.c_str(), hash.c_str(), data.get());
  if (made == nullptr || *made == '*') return std::nullopt;
  return Same(made, hash);
}

bool IsHash(const std::string& hash) {
  constexpr int kLeastCost = 4;  // of bcrypt
  constexpr int kMostCost = 31;
  if (hash.starts_with(kApr1)) return IsApr1(hash);
  const auto kind =
      std::ranges::find_if(kKinds, [&hash](const Kind& each) { return hash.starts_with(each.prefix); });
  const int salt = kind == kKinds.end() ? CRYPT_SALT_INVALID : ::crypt_checksalt(hash.c_str());
  if (salt != CRYPT_SALT_OK && salt != CRYPT_SALT_METHOD_LEGACY) return false;
  const auto last = hash.rfind('$') + 1;
  if (hash.starts_with("$2")) {
    const double cost = BcryptCost(hash);
    if (last != kBcryptSalt || cost < kLeastCost || cost > kMostCost) return false;
  }
  return last >= kind->prefix.size() && hash.size() - last == kind->letters &&
         hash.find_first_not_of(kLetters, last) == hash.npos;
}

// As measured with libxcrypt 4.4 on one machine; what counts is the order of those that are far apart.
double CostOf(const std::string& hash) {
  if (!IsHash(hash)) return 0;
  const auto power = [&hash](std::size_t at) {  // the letter that says how large a table is
    const auto value = kLetters.find(hash[at]);
    return value == kLetters.npos ? 0 : std::exp2(static_cast<double>(value));
  };
  if (hash.starts_with("$2")) return 55 * std::exp2(BcryptCost(hash));
  if (hash.starts_with("$y$") || hash.starts_with("$gy$")) return 15 * power(hash.find('$', 1) + 2);
  if (hash.starts_with("$7$")) return 5 * power(3);
  if (hash.starts_with("$5$") || hash.starts_with("$6$")) return 0.6 * NumberBehind(hash, "rounds=", 5000);
  if (hash.starts_with("$sha1$")) return 0.5 * NumberBehind(hash, "$sha1$", 0);
  if (hash.starts_with("$md5")) return 4096 + NumberBehind(hash, "rounds=", 0);
  return hash.starts_with("$3$") ? 1 : 500;
}

}  // namespace hydrapool::cgi
