#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hydrapool::simulation {

/// A request of the simulated clients, one line: "KIND ID SIZE BODY\n", then BODY bytes. Its answer is a
/// function of ID and SIZE: nothing else is right.
struct Request {
  enum class Kind : char {
    kReply = 'r',    ///< answered at once
    kBegin = 'b',    ///< answered by Begin
    kLater = 'l',    ///< by an execution, in one piece, a little later; may be run again
    kPieces = 'p',   ///< by an execution, in several steps
    kOnce = 'o',     ///< by an execution that must not run twice, and takes its body away itself
    kInterim = 'i',  ///< something comes before the answer, as 100 Continue does
    kBye = 'x',      ///< the last one: its answer ends the connection
  };
  Kind kind = Kind::kReply;
  std::uint32_t id = 0;
  std::uint32_t size = 0;  ///< of the answer
  std::uint32_t body = 0;

  /// As a client sends it.
  [[nodiscard]] std::string Bytes() const;
  [[nodiscard]] std::string Answer() const;
  /// What comes before the answer; empty for most.
  [[nodiscard]] std::string Interim() const;
};

/// The first request of some bytes and how long its line is. nullopt: its line is not whole yet.
struct Parsed {
  Request request;
  std::size_t line = 0;
  [[nodiscard]] std::size_t size() const { return line + request.body; }
};
std::optional<Parsed> ParseRequest(std::string_view bytes);

inline constexpr std::string_view kGreeting = "hello\n";

}  // namespace hydrapool::simulation
