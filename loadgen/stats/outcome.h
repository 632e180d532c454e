#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace hydrapool::loadgen {

/// What became of one request on the wire. One request has one outcome, and nothing is ever sent again in
/// silence.
///
/// The first three have *completed*: a whole response came. All others have *failed*. A request still under
/// way when the run ends has no outcome; it is counted as in flight at the end.
enum class Outcome {
  kOk,                   ///< A whole response that passed every check.
  kBadStatus,            ///< A whole response with a status that was not expected (by default 400 or above).
  kWrongBody,            ///< A whole response whose body is not the expected one.
  kResolve,              ///< The host's name has no address.
  kRefused,              ///< The connection was refused.
  kUnreachable,          ///< The connection could not be made, for another reason than refusal.
  kNoPorts,              ///< This machine had no local port left.
  kNoDescriptors,        ///< This process had no descriptor left.
  kTls,                  ///< No TLS session: handshake or certificate.
  kResetBeforeResponse,  ///< Closed or reset by the server before the first line of a response.
  kResetInResponse,      ///< Reset within the response.
  kTruncated,            ///< Closed in an orderly way before the response's own framing said it ends.
  kTimeoutConnect,       ///< Time ran out before there was a connection to send on.
  kTimeoutFirstByte,     ///< Sent, then nothing in time.
  kTimeoutBody,          ///< The response began and did not end in time.
  kMalformed,            ///< What came is not HTTP.
  kResendSuppressed,     ///< As reset_before_response, but on a connection that had carried a request before:
                         ///< the case in which many clients send again in silence. This one does not.
  kStreamReset,          ///< HTTP/2: the server reset the request's stream (RST_STREAM), before or within the
                         ///< response.
  kStreamRefused,  ///< HTTP/2: the server says that it did nothing of it (REFUSED_STREAM, or a GOAWAY that
                   ///< excludes it), and that it may be sent again. This generator does not.
  kOther,          ///< None of these; the report has the library's words.
};

inline constexpr std::size_t kOutcomes = static_cast<std::size_t>(Outcome::kOther) + 1;

/// The name in reports and journals: "reset_before_response". Names are stable: other tools rely on them.
std::string_view Name(Outcome outcome);

/// Which outcome has that name.
std::optional<Outcome> OutcomeOf(std::string_view name);

/// Whether it never left this machine, for want of a local port or a descriptor.
constexpr bool NeverLeft(Outcome outcome) {
  return outcome == Outcome::kNoPorts || outcome == Outcome::kNoDescriptors;
}
/// Whether a whole response came.
constexpr bool Completed(Outcome outcome) { return outcome <= Outcome::kWrongBody; }

/// Whether no connection was made, so that no server can have seen the request.
constexpr bool NeverConnected(Outcome outcome) {
  return outcome == Outcome::kTimeoutConnect || (outcome >= Outcome::kResolve && outcome <= Outcome::kTls);
}

}  // namespace hydrapool::loadgen
