#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "pool/testing/command.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {

struct Fault {
  std::string kind = "kill";
  std::string target = "random";
  std::string every = "50ms";
  int count = 0;               ///< 0: until End()
  std::uint64_t at_least = 0;  ///< what a test that uses it expects to have landed
};
inline void PrintTo(const Fault& fault, std::ostream* out) {
  *out << fault.kind << " of " << fault.target << " every " << fault.every;
}

/// `harness inject` on a server's workers, with a fixed seed, from its making to End().
class Injection {
 public:
  Injection(const ServerProcess& server, const Fault& fault);
  /// Once; an injector that was not content fails the test.
  void End();
  [[nodiscard]] std::uint64_t landed() const { return landed_; }

 private:
  Command command_;
  std::uint64_t landed_ = 0;
};

/// No worker has ended but as the faults make it: by SIGKILL, in peace after SIGTERM, or by a second SIGTERM
/// that found it on its way out.
void ExpectOnlyFaultsEndedWorkers(const ServerProcess& server);
/// That, and nothing lost, cut, abandoned, stopped as poison or told that no worker was there.
void ExpectNothingLost(const ServerProcess& server);

}  // namespace hydrapool::support
