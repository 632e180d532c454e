#include "loadgen/command/secrets.h"

#include <strings.h>

#include <algorithm>
#include <array>

namespace hydrapool::loadgen {
namespace {

/// Of headers; "Authorization" is also the end of another's name.
constexpr std::array<std::string_view, 2> kSecretHeaders = {"authorization", "cookie"};

void Star(std::string& text, std::size_t from, std::size_t to) {
  std::fill(text.begin() + static_cast<std::ptrdiff_t>(from), text.begin() + static_cast<std::ptrdiff_t>(to),
            '*');
}

std::size_t FindName(std::string_view text, std::string_view name) {
  for (std::size_t at = 0; at + name.size() <= text.size(); ++at) {
    if (::strncasecmp(text.data() + at, name.data(), name.size()) == 0) return at + name.size();
  }
  return text.npos;
}

/// Where the value of --user begins in `arg`; npos where it is none.
std::size_t UserAt(std::string_view flag, std::string_view arg) {
  constexpr std::string_view kLong = "--user=";
  if (flag == "-u" || flag == "--user") return 0;
  if (arg.starts_with(kLong)) return kLong.size();
  return arg.starts_with("-u") ? 2 : arg.npos;
}

/// Where the host, or a user before it, begins.
std::size_t AuthorityAt(std::string_view arg) {
  const auto scheme = arg.find("://");
  if (scheme != arg.npos) return scheme + 3;
  if (arg.starts_with("-x")) return 2;
  const auto value = arg.find('=');
  return arg.starts_with("--") && value != arg.npos ? value + 1 : 0;
}

}  // namespace

std::string WithoutSecrets(std::string_view flag, std::string_view arg) {
  std::string shown(arg);
  if (const auto user = UserAt(flag, arg); user != arg.npos) Star(shown, user, arg.size());
  for (const auto name : kSecretHeaders) {
    const auto value = FindName(arg, name);
    if (value < arg.size()) Star(shown, value + 1, arg.size());
  }
  const auto begin = AuthorityAt(arg);
  const auto end = std::min(arg.find_first_of("/?# ", begin), arg.size());
  const auto at = arg.substr(begin, end - begin).rfind('@');
  if (at != arg.npos) Star(shown, begin, begin + at);
  return shown;
}

PrivateArguments::PrivateArguments(int argc, char** argv) : copies_(argv, argv + argc) {
  for (std::size_t i = 0; i < copies_.size(); ++i) {
    pointers_.push_back(copies_[i].c_str());
    if (i > 0) std::ranges::copy(WithoutSecrets(copies_[i - 1], copies_[i]), argv[i]);
  }
  pointers_.push_back(nullptr);
}

}  // namespace hydrapool::loadgen
