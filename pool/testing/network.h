#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pool/sys/unique_fd.h"

namespace hydrapool::support {

/// Two network namespaces with one cable between them, of Ethernet's MTU: segments, acknowledgements and
/// windows as on a real network, where loopback has none to speak of.
///
///     Network network;
///     if (!network.missing().empty()) GTEST_SKIP() << network.missing();
///     Command client(network.In(network.far(), {"curl", ...}));
///
/// The near end is 10.77.0.1 and fd77::1, the far end 10.77.0.2 and fd77::2; the cable is called `cable` in
/// both. For one thread.
class Network {
 public:
  Network();
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// What this machine or user lacks; empty: it is there.
  [[nodiscard]] const std::string& missing() const { return missing_; }
  [[nodiscard]] const std::string& near() const { return near_; }
  [[nodiscard]] const std::string& far() const { return far_; }
  /// The command that runs `arguments` in a namespace.
  static std::vector<std::string> In(const std::string& space, std::vector<std::string> arguments);
  /// Runs words split at spaces in a namespace; false, and the test fails with its output: it failed.
  static bool Run(const std::string& space, std::string_view words);

  /// The sockets that this thread makes as long as it lives are of the namespace.
  class Inside {
   public:
    explicit Inside(const std::string& space);
    ~Inside();
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    sys::UniqueFd outside_;
  };

 private:
  std::string near_;
  std::string far_;
  std::string missing_;
};

}  // namespace hydrapool::support
