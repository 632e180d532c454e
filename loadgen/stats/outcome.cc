#include "loadgen/stats/outcome.h"

#include <array>

namespace hydrapool::loadgen {

std::string_view Name(Outcome outcome) {
  static constexpr std::array<std::string_view, kOutcomes> kNames = {"ok",
                                                                     "bad_status",
                                                                     "wrong_body",
                                                                     "resolve",
                                                                     "refused",
                                                                     "unreachable",
                                                                     "no_ports",
                                                                     "no_descriptors",
                                                                     "tls",
                                                                     "reset_before_response",
                                                                     "reset_in_response",
                                                                     "truncated",
                                                                     "timeout_connect",
                                                                     "timeout_first_byte",
                                                                     "timeout_body",
                                                                     "malformed",
                                                                     "resend_suppressed",
                                                                     "stream_reset",
                                                                     "stream_refused",
                                                                     "other"};
  return kNames[static_cast<std::size_t>(outcome)];
}

std::optional<Outcome> OutcomeOf(std::string_view name) {
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    if (Name(static_cast<Outcome>(i)) == name) return static_cast<Outcome>(i);
  }
  return std::nullopt;
}

}  // namespace hydrapool::loadgen
