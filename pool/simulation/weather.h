#pragma once

#include <cstddef>
#include <cstdint>

#include "pool/simulation/tcp.h"
#include "pool/sys/clock.h"

namespace hydrapool::simulation {

/// What the environment does to the pool in one episode; all of it comes from the seed.
struct Weather {
  std::uint64_t death = 0;       ///< a worker dies at one in so many of its steps; 0: never
  std::uint64_t leave = 0;       ///< it gets TERM at one in so many
  std::uint64_t freeze = 0;      ///< it is stopped for a while at one in so many
  std::uint64_t interrupt = 0;   ///< one call in so many that may say EINTR says so
  std::uint64_t short_move = 0;  ///< one send or splice in so many moves less than it could
  std::uint64_t slice = 8;       ///< so many steps at most before another has its turn
  std::size_t packets = 16;      ///< so many lie in a channel at most
  std::size_t pipe = 65'536;     ///< bytes in a pipe
  std::uint64_t hold = 0;        ///< before one swap in so many, others have many steps first
  bool near_wrap = false;        ///< steps and generations of connections begin where they wrap soon
  Nanos lifetime = 0;            ///< a worker dies at that age; 0: it need not
  NetworkWeather network;
  std::uint64_t parent_death = 0;  ///< the parent of a supervised pool dies at one in so many of its steps
};

/// The weather of a seed: mild, rough or in between, each kind by itself. `http`: CGI programs are served.
Weather SomeWeather(std::uint64_t seed, bool http);

}  // namespace hydrapool::simulation
