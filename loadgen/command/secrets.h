#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hydrapool::loadgen {

/// `arg` of a command line with each secret in it starred out, at the same length: what follows --user, what
/// stands before the '@' of a URL or a proxy, and what follows the names Authorization, Proxy-Authorization
/// and Cookie in a header. `flag` is the argument before it. Pure.
///
/// Not found: secrets in bodies, in queries and in headers of other names.
std::string WithoutSecrets(std::string_view flag, std::string_view arg);

/// A program's arguments, of which others who look at the process (ps(1), /proc/PID/cmdline) see the secrets
/// no more: it keeps a copy and overwrites the original. Between execve(2) and this they could be read.
class PrivateArguments {
 public:
  PrivateArguments(int argc, char** argv);
  PrivateArguments(const PrivateArguments&) = delete;
  PrivateArguments& operator=(const PrivateArguments&) = delete;

  [[nodiscard]] const char* const* argv() const { return pointers_.data(); }

 private:
  std::vector<std::string> copies_;
  std::vector<const char*> pointers_;
};

}  // namespace hydrapool::loadgen
