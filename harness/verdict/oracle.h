#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/observe/run_record.h"

namespace hydrapool::harness {

/// Why a request failed.
struct Explanation {
  std::size_t fault = 0;   ///< An index.
  std::string phase = {};  ///< What its worker was doing with it, as the pool says; empty: unknown.

  bool operator==(const Explanation&) const = default;
};

/// Which of `faults` accounts for a failed request; nullopt: it is unexplained. Pure.
///
/// A disconnect names the clients' ports of the connections that it has ended: it accounts for the requests
/// on these that were on their way or were sent within 1 s (their client had not looked), and for no other.
///
/// Where the pool keeps a journal (`fates`), that decides: there must be an entry for the client's port, made
/// while the request was on its way (or, if it ended the connection, up to 1 s before: the client had not
/// looked), and the last such entry must name a worker that a fault has hit. A failure before the journal's
/// beginning, an answer of 500 and above while a limit (descriptors, address space, processes) was held or
/// the disk was full, whether or not anybody died of it, any failure while the network was hurt or a program
/// that a worker runs, and one that no death made (no worker came in time), are judged by time, as it is for
/// a server without a journal:
///
/// a fault reaches from its signal until 100 ms after the death, or until its replacement is ready where that
/// is later; what was held, until 100 ms after it was taken back; a renewal,
/// until 100 ms after it was seen; a signal of the server's own, 100 ms; a
/// worker that was to die and survives, until the run's end. It accounts for a request that was on its way
/// within that time, if the request's worker is not known or is the fault's. Of several the latest is taken.
/// With faults less than 100 ms apart nearly every moment is some fault's: then only a journal, or a run
/// without faults, shows what fails of itself.
///
/// A request that was refused by status is never accounted for.
[[nodiscard]] std::optional<Explanation> Explain(const Failure& failure, std::span<const FaultRecord> faults,
                                                 const std::optional<PoolFates>& fates = {});

/// What one fault cost.
struct Damage {
  std::uint64_t lost = 0;
  std::uint64_t cut = 0;
  std::uint64_t abandoned = 0;
};

struct Attribution {
  std::vector<Damage> by_fault;                        ///< As `faults`.
  std::vector<std::optional<Explanation>> by_failure;  ///< As `failures`.
  std::vector<std::size_t> unexplained;                ///< Indices of `failures`.
  std::map<std::string, std::uint64_t> by_phase;       ///< Failures whose phase is known.
};
[[nodiscard]] Attribution Attribute(const RunRecord& run);

}  // namespace hydrapool::harness
