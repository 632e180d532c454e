#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace hydrapool::harness {

/// What makes requests and connections differ from each other. All draws come from `seed`.
struct EchoMix {
  /// Not empty: POST, with a body of one of these sizes, which the answer must give back.
  std::vector<std::size_t> body_sizes = {};
  double chunked = 0;              ///< Of the bodies, the part that is sent in chunks.
  double bytewise = 0;             ///< Of the connections, the part that sends a byte at a time.
  std::uint64_t reset_within = 0;  ///< Not 0: the client resets each connection after so many bytes at most,
                                   ///< sent and received, drawn for each.
  bool http10 = false;             ///< HTTP/1.0, with "Connection: keep-alive" in all requests but the last.
  std::uint64_t seed = 1;
};

/// The body of that size for a request: its id, a newline and letters, cut to the size.
[[nodiscard]] std::string BodyOf(std::uint64_t id, std::size_t size);
/// The id in the first line of such a body; nullopt where it has none.
[[nodiscard]] std::optional<std::uint64_t> IdOfBody(std::string_view body);

/// Writes requests as a mix has them.
///
///     EchoRequests requests(mix, "127.0.0.1:80", "/cgi-bin/echo");
///     const auto request = requests.Make(17, false);   // request.bytes, request.body_size
class EchoRequests {
 public:
  EchoRequests(const EchoMix& mix, std::string host, std::string path);

  struct Request {
    std::string bytes;
    std::optional<std::size_t> body_size;  ///< nullopt: GET.
  };
  /// `last`: it says "Connection: close".
  [[nodiscard]] Request Make(std::uint64_t id, bool last);

  /// For a new connection: whether it sends a byte at a time, and after how many bytes it is reset (0: not).
  [[nodiscard]] bool DrawBytewise() { return Draw() < mix_.bytewise; }
  [[nodiscard]] std::uint64_t DrawReset();

 private:
  [[nodiscard]] double Draw();
  [[nodiscard]] std::uint64_t DrawBelow(std::uint64_t limit) { return random_() % limit; }
  [[nodiscard]] std::string InChunks(std::string_view body);

  EchoMix mix_;
  std::string host_;
  std::string path_;
  std::mt19937_64 random_;
};

}  // namespace hydrapool::harness
