#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "hydrapool/connection.h"
#include "hydrapool/handler.h"
#include "pool/simulation/request.h"

namespace hydrapool::simulation {

/// What outside of the pool was done for requests: what must not happen twice.
struct Ledger {
  std::unordered_map<std::uint32_t, int> runs;  ///< by id, of requests that must not run twice
};

/// The embedder's side of the simulated pool: answers each Request as its kind wants.
class Handler {
 public:
  explicit Handler(WorkerContext&) {}

  Decision OnInput(Connection& connection, std::string_view input);
  Begun Begin(Exchange& exchange, std::string_view input);
  std::optional<Reply> OnConnect(Connection&) { return Reply{.bytes = std::string(kGreeting)}; }
  static std::string AbandonedReply(Excuse excuse);

  static Ledger* ledger;
};

}  // namespace hydrapool::simulation
