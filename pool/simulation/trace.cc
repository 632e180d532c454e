#include "pool/simulation/trace.h"

#include <fmt/format.h>

#include <algorithm>

namespace hydrapool::simulation {

void Trace::Add(std::uint64_t step, int who, const char* what, std::int64_t a, std::int64_t b) {
  events_[count_++ % events_.size()] = {step, who, what, a, b};
  const auto mix = [this](std::uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001b3; };
  for (const char* c = what; *c != '\0'; ++c) mix(static_cast<unsigned char>(*c));
  mix(step);
  mix(static_cast<std::uint64_t>(who));
  mix(static_cast<std::uint64_t>(a));
  mix(static_cast<std::uint64_t>(b));
}

std::string Trace::Last() const {
  std::string text;
  const std::size_t from = count_ - std::min(count_, events_.size());
  for (std::size_t i = from; i < count_; ++i) {
    const Event& event = events_[i % events_.size()];
    text += fmt::format("  {:>8}  {:>5}  {} {} {}\n", event.step, event.who, event.what, event.a, event.b);
  }
  return text;
}

}  // namespace hydrapool::simulation
