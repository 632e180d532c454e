#pragma once

#include "pool/sys/clock.h"

namespace hydrapool::loadgen {

/// How long each part of a request took; 0 where there was none, or where it was not over when the request
/// was.
///
///   sent → connect → tls → first_byte → body → end
///
/// On a kept-alive connection there is neither `connect` nor `tls`; `body` is 0 where the whole response came
/// at once. Of a completed request they add up to its service time.
struct Phases {
  sys::Nanos connect = 0;  ///< Until the connection was made; the curl engine's includes the name's lookup.
  sys::Nanos tls = 0;      ///< The handshake.
  sys::Nanos first_byte = 0;  ///< From when it could go out to the first bytes of the response.
  sys::Nanos body = 0;        ///< From there to the end.
};

/// When each part of a request was over, as an engine saw it; 0 where it was not.
struct Moments {
  sys::Nanos connected = 0;  ///< 0 also on a connection that was there already.
  sys::Nanos secured = 0;
  sys::Nanos first_byte = 0;
  sys::Nanos whole = 0;
};

/// Pure.
constexpr Phases PhasesOf(sys::Nanos sent, const Moments& at) {
  const auto ready = at.secured != 0 ? at.secured : at.connected != 0 ? at.connected : sent;
  return {.connect = at.connected != 0 ? at.connected - sent : 0,
          .tls = at.secured != 0 ? at.secured - at.connected : 0,
          .first_byte = at.first_byte != 0 ? at.first_byte - ready : 0,
          .body = at.whole != 0 && at.first_byte != 0 ? at.whole - at.first_byte : 0};
}

}  // namespace hydrapool::loadgen
