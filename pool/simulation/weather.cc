#include "pool/simulation/weather.h"

namespace hydrapool::simulation {

Weather SomeWeather(std::uint64_t seed, bool http) {
  Random random(seed ^ 0x5eed);
  Weather weather{
      .death = random.OneOf({0, 100, 200, 500, 1'500}),
      .leave = random.OneOf({0, 0, 800, 4'000}),
      .freeze = random.OneOf({0, 0, 3'000}),
      .interrupt = random.OneOf({0, 20, 200}),
      .short_move = random.OneOf({0, 2, 10}),
      .slice = random.OneOf({1, 4, 16, 64}),
      // Where the parent does not come round, a program is refused with a 503: not here.
      .packets = http ? 200 : random.OneOf({2, 16, 64}),
      .pipe = random.OneOf({4'096, 65'536}),
      .hold = random.OneOf({0, 3, 20}),
      .near_wrap = random.OneIn(3),
      .lifetime = random.OneIn(5) ? static_cast<Nanos>(random.OneOf({100, 200})) * sys::kMillisecond : 0,
      .network = {.local_drop = random.OneOf({0, 3, 20}),
                  .loss = random.OneOf({0, 5, 50}),
                  .segment = random.OneOf({1, 50, 1'460, 30'000}),
                  .send_buffer = random.OneOf({64, 1'000, 16'000, 100'000}),
                  .receive_buffer = random.OneOf({300, 16'000, 60'000}),
                  .client_buffer = random.OneOf({64, 1'000, 60'000})},
      .parent_death = random.OneOf({0, 50, 200, 1'000})};
  // Not with programs: a death within the very call that moves a piece of an answer cuts it there.
  weather.network.unix_sockets = !http && random.OneIn(3);
  if (weather.network.unix_sockets) weather.network.local_drop = weather.network.loss = 0;
  return weather;
}

}  // namespace hydrapool::simulation
