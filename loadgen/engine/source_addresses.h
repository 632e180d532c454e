#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/engine/endpoint.h"

namespace hydrapool::loadgen {

/// The addresses of this machine that connections come from, in turn: each has local ports of its own, some
/// 28,000 to one address and port of a server. None: the kernel chooses.
///
///     SourceAddresses sources({"127.0.0.2", "127.0.0.3"});
///     sources.Bind(fd, AF_INET);        // before connect(2)
///
/// The port is chosen by connect(2), where it need only differ from those to the same server
/// (IP_BIND_ADDRESS_NO_PORT). One thread's.
class SourceAddresses {
 public:
  /// What is no address is left out.
  explicit SourceAddresses(const std::vector<std::string>& addresses);

  /// Binds a socket to the next address of its family, a UNIX socket to none. 0, or errno (EAFNOSUPPORT).
  int Bind(int fd, int family);

 private:
  std::vector<Address> addresses_;
  std::size_t next_ = 0;
};

/// An IPv4 or IPv6 address, without a port.
std::optional<Address> ParseAddress(const std::string& text);

/// Why connections cannot come from one of these addresses, in words; nullopt where they can.
std::optional<std::string> UnusableSource(const std::vector<std::string>& addresses);

}  // namespace hydrapool::loadgen
