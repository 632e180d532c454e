#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pool/sys/clock.h"
#include "pool/sys/error.h"

namespace hydrapool::harness {

/// What is done to the network between a server and its clients.
struct NetworkHarm {
  enum class Kind {
    kLoss,       ///< "loss 5%": of the packets of its port, both ways, that part is dropped.
    kPartition,  ///< "partition": all of them are.
    kReset,      ///< "reset 1%": that part is answered by a reset, which ends single connections.
    kRate,       ///< "rate 100kb": what is beyond so many bytes a second, each way, is dropped.
    kDelay,      ///< "delay 50ms": every packet of the namespace comes so much later (netem).
    kReorder,    ///< "reorder 25%": that part comes at once, all others 10 ms later (netem).
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

/// The number of a delay or reorder, of which there can be one in a network.
inline constexpr int kNetem = -1;
[[nodiscard]] bool IsByNetem(const NetworkHarm& harm);

/// Does it to the packets of the TCP port, until EndHarm(number). `number`: kNetem where IsByNetem(harm).
[[nodiscard]] sys::Result<void> BeginHarm(const NetworkHarm& harm, int port, int number);
/// How many packets have met it so far; nullopt: it is not there.
[[nodiscard]] std::optional<std::uint64_t> PacketsHarmed(int number);
/// It is known not to be there: false also where that cannot be found out.
[[nodiscard]] bool IsAbsent(int number);
/// True: it is known to be there no more. Also in another process of the same network.
bool EndHarm(int number);

}  // namespace hydrapool::harness
