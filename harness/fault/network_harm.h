#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pool/sys/clock.h"
#include "pool/sys/error.h"

namespace hydrapool::harness {

/// What is done to the network between a server and its clients.
struct NetworkHarm {
  enum class Kind {
    kLoss,        ///< "loss 5%": of the packets of its port, both ways, that part is dropped.
    kPartition,   ///< "partition": all of them are.
    kReset,       ///< "reset 1%": that part is answered by a reset, which ends single connections.
    kRate,        ///< "rate 100kb": what is beyond so many bytes a second, each way, is dropped.
    kDelay,       ///< "delay 50ms": every packet of the namespace comes so much later (netem).
    kDisconnect,  ///< "disconnect 10%": that part of the connections of its port is ended at once by resets.
    kReorder,     ///< "reorder 25%": that part comes at once, all others 10 ms later (netem).
  };
  Kind kind = Kind::kPartition;
  double part = 0;          ///< 0.05 for 5%.
  std::uint64_t bytes = 0;  ///< A second.
  sys::Nanos delay = 0;
  std::string text = "partition";  ///< As it was written.
};
[[nodiscard]] sys::Result<NetworkHarm> ParseNetworkHarm(std::string_view text);

/// A network of this process's own, with a loopback and nothing else. Before any thread is started, and
/// before the server and its clients. An Error says what is missing.
[[nodiscard]] sys::Result<void> EnterOwnNetwork();

/// Why it cannot be done in this process's network: the machine's own is never hurt, and the kernel and the
/// tools (nft, tc) must be able to. nullopt: it was tried, on a port that nobody uses, and taken back.
[[nodiscard]] std::optional<std::string> WhyNoHarm(const NetworkHarm& harm);

[[nodiscard]] bool IsByNetem(const NetworkHarm& harm);
/// What it is called in the kernel, where several injectors may hurt one network: `token` (letters, digits,
/// _) is one that no other harm has.
[[nodiscard]] std::string NameOfHarm(const NetworkHarm& harm, std::string_view token);

/// Does it to the packets of the TCP port, until EndHarm(name). Of those by netem there can be one in a
/// network. A disconnect is over with the call: an Error where no connection was there.
[[nodiscard]] sys::Result<void> BeginHarm(const NetworkHarm& harm, int port, const std::string& name);
/// How many packets (or connections, by this process) have met it so far; nullopt: it is not there.
[[nodiscard]] std::optional<std::uint64_t> PacketsHarmed(const std::string& name);
/// The clients' ports of the connections that a disconnect has ended; empty of any other harm. Until it ends.
[[nodiscard]] std::vector<int> PortsDisconnected(const std::string& name);
/// It is known not to be there: false also where that cannot be found out.
[[nodiscard]] bool IsAbsent(const std::string& name);
/// True: it is known to be there no more. Also in another process of the same network. Never another's.
bool EndHarm(const std::string& name);

}  // namespace hydrapool::harness
