#pragma once

#include <string_view>

namespace hydrapool::loadgen {

/// Is shown the bytes of a run's requests and responses as they go over the wire, without TLS and the frames
/// of HTTP/2. For runs of one connection: it is not told which one the bytes belong to.
class WireTap {
 public:
  virtual ~WireTap() = default;
  virtual void Sent(std::string_view bytes) = 0;
  virtual void Received(std::string_view bytes) = 0;
};

}  // namespace hydrapool::loadgen
