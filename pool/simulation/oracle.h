#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pool/simulation/random.h"
#include "pool/simulation/request.h"

namespace hydrapool::simulation {

/// How a connection came to its end. A UNIX socket has no reset: where an answer is cut there, it ends.
enum class Ending : std::uint8_t { kClosed, kReset, kClosedOrCut };

/// Knows the only right bytes of one connection.
class Oracle {
 public:
  virtual ~Oracle() = default;
  /// What the client is to send.
  [[nodiscard]] virtual std::string Requests() const = 0;
  /// More has come: "" or what is wrong with it. `deaths`: of workers, so far.
  virtual std::string Judge(std::string_view bytes, std::uint64_t deaths) = 0;
  /// The connection has ended: "" or what is wrong with that. `draining`: the pool was told to end, and may
  /// end any connection between two answers, also by a reset that destroys nothing.
  [[nodiscard]] virtual std::string JudgeEnd(Ending ending, std::uint64_t deaths, bool draining) const = 0;
  /// All answers are there.
  [[nodiscard]] virtual bool complete() const = 0;
  [[nodiscard]] virtual std::size_t answered() const = 0;
  [[nodiscard]] virtual std::string Describe() const = 0;
};

/// Requests of the simulation's own handler.
///
/// Right is: the greeting, then for each request its answer, in order, whole, once. A request that must not
/// run twice may get the excuse for an abandoned one instead, and one that is answered in several steps may
/// be cut by a reset, if a worker has died; then nothing else comes.
std::unique_ptr<Oracle> MakeLineOracle(const std::vector<Request>& requests);

/// Requests of HTTP, most of them to CGI programs, which `hydrapool` answers; `next_id` counts them.
///
/// Right is: a whole, well-framed 200 with the program's only right body for each. If so many workers have
/// died that a request may count as poison, a 502 may come instead; then nothing else comes. After an answer
/// to a request that its program did not take whole the connection may end. `crowded`: a 503 is right too.
std::unique_ptr<Oracle> MakeHttpOracle(Random& random, std::uint32_t& next_id, bool crowded);

}  // namespace hydrapool::simulation
