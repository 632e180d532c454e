#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hydrapool/pool_options.h"
#include "pool/direct/dispatch.h"
#include "pool/log_options.h"
#include "pool/site.h"
#include "pool/sys/privileges.h"

namespace hydrapool::server {

/// What speaks with the clients: HTTP, or one of the examples (scripts/examples).
enum class HandlerKind : std::uint8_t { kHttp, kEcho, kLine };

/// What the command line of `hydrapool` asks for.
struct Options {
  std::vector<std::string> listen{"127.0.0.1:8080"};
  std::string admin = "127.0.0.1:9180";   ///< empty: none
  std::string control;                    ///< the control socket's path; empty: none
  std::optional<sys::User> user;          ///< to become once it listens; none: stay the one that started it
  std::optional<sys::User> socket_owner;  ///< of UNIX sockets; none: the user
  std::optional<mode_t> socket_mode;      ///< of UNIX sockets; none: as the umask has it
  hydrapool::PoolOptions pool{.supervised = true};
  Dispatch dispatch = Dispatch::kLease;
  HandlerKind handler = HandlerKind::kHttp;
  std::string program_dir;  ///< --cgi-dir, for HandlerKind::kLine
  SiteConfig site{};
  bool check = false;  ///< say whether it could start, and end
  std::string probe;   ///< not a server at all: GET this URL, and say by the exit code whether it is a 2xx
  LogOptions logs{};
  std::vector<std::string> unknown_variables;  ///< of the environment: HYDRAPOOL_ and no option's name
};

/// nullopt: it has said what there was to say (help, version, a usage error), and `exit_code` is the
/// program's.
std::optional<Options> ParseOptions(int argc, char** argv, int& exit_code);

}  // namespace hydrapool::server
