#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loadgen/plan/wire_tap.h"

namespace hydrapool::loadgen {

/// What went over a connection, for people, as curl -v has it:
///
///     > GET /hello HTTP/1.1
///     > Host: 127.0.0.1:8080
///     >
///     < HTTP/1.1 200 OK
///     < Content-Length: 5
///     <
///     hello
///
/// All of it, chunk sizes too. A body that is no text, or would not be harmless on a terminal, is shown as
/// hexdump -C does. Of what was sent the credentials (Authorization, Cookie) are starred out.
class Transcript final : public WireTap {
 public:
  void Sent(std::string_view bytes) override { Add(true, bytes); }
  void Received(std::string_view bytes) override { Add(false, bytes); }
  [[nodiscard]] std::string Text() const;

 private:
  struct Part {
    bool sent;
    std::string bytes;
  };
  void Add(bool sent, std::string_view bytes);

  std::vector<Part> parts_;
};

/// A body for people, as above. Pure.
[[nodiscard]] std::string BodyText(std::string_view body);

}  // namespace hydrapool::loadgen
