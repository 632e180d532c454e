#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hydrapool::http {

/// An address of IPv4 or IPv6. One of IPv4 is its IPv4-mapped one (::ffff:a.b.c.d), and so the same whichever
/// way it came. Plain data.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};

  /// As inet_pton(3) takes it: no brackets, no scope, no leading zeros in IPv4.
  [[nodiscard]] static std::optional<IpAddress> Parse(std::string_view text);
  [[nodiscard]] static IpAddress V4(const std::uint8_t* four_bytes);
  [[nodiscard]] static IpAddress V6(const std::uint8_t* sixteen_bytes);
  [[nodiscard]] bool is_v4() const;
  /// As inet_ntop(3) writes it, IPv4 with dots.
  [[nodiscard]] std::string ToString() const;

  bool operator==(const IpAddress&) const = default;
};

/// An address and perhaps a port; 0: none.
struct Endpoint {
  IpAddress address{};
  std::uint16_t port = 0;

  /// "a.b.c.d", "a.b.c.d:PORT", "[v6]", "[v6]:PORT" (RFC 7239, section 6) and "v6". A port that is hidden
  /// ("_x") is none.
  [[nodiscard]] static std::optional<Endpoint> Parse(std::string_view text);
  bool operator==(const Endpoint&) const = default;
};

/// Digits only, 0 to 65535.
[[nodiscard]] std::optional<std::uint16_t> ParsePort(std::string_view text);

/// The addresses that have the first `bits` of `base`.
struct Network {
  IpAddress base{};
  int bits = 128;  ///< of the 128 that a mapped address has

  /// "10.0.0.0/8", "::1/128", or an address alone. Bits of the address past the prefix must be zero.
  [[nodiscard]] static std::optional<Network> Parse(std::string_view text);
  [[nodiscard]] bool Contains(const IpAddress& address) const;
};

/// Whose word counts about who asks. Usually those of the proxies in front.
class TrustedPeers {
 public:
  /// A network, or "unix": whoever comes over a UNIX socket. False: it is neither.
  [[nodiscard]] bool Add(std::string_view text);
  [[nodiscard]] bool empty() const { return networks_.empty() && !unix_sockets_; }
  /// nullopt: it came over a UNIX socket.
  [[nodiscard]] bool Trusts(const std::optional<IpAddress>& peer) const;

 private:
  std::vector<Network> networks_;
  bool unix_sockets_ = false;
};

}  // namespace hydrapool::http
