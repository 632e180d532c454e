#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pool/sys/channel.h"

namespace hydrapool {

/// What workers and parent ask of a launcher (cgi/launch_server.h): one to a packet. kStart comes with five
/// descriptors: the program's input, output and errors, a pipe for the reply, and a file with the order
/// (cgi/launch_order.h).
struct ToLauncher {
  enum class Kind : std::uint8_t {
    kStart,
    kSignal,  ///< TERM or KILL, to a program that it has started, and to all below that
  };
  Kind kind = Kind::kStart;
  std::uint32_t slot = 0;      ///< kStart: of the lease
  std::uint32_t claimant = 0;  ///< of the program's place (process_places.h)
  pid_t preparer = 0;          ///< whose gate the program must pass (process_word.h)
  pid_t pid = 0;               ///< kSignal
  int signal = 0;
};
inline constexpr std::size_t kLaunchDescriptors = 5;

/// The launchers of this process's pool, one for each user: how they are reached. Workers and all parents
/// inherit this.
namespace launchers {

void Add(std::string user, sys::Channel channel);
/// nullptr: none starts programs as this user.
[[nodiscard]] const sys::Channel* Of(std::string_view user);
/// What a worker must keep open.
[[nodiscard]] std::vector<int> Descriptors();
/// To a program that one of them has started, and to all below it.
void Signal(pid_t pid, int signal);

}  // namespace launchers
}  // namespace hydrapool
