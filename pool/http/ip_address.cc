#include "pool/http/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "pool/http/text.h"

namespace hydrapool::http {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int kMappedBits = 96;

}  // namespace

IpAddress IpAddress::V4(const std::uint8_t* four_bytes) {
  IpAddress address;
  std::ranges::copy(kMapped, address.bytes.begin());
  std::memcpy(address.bytes.data() + kMapped.size(), four_bytes, 4);
  return address;
}

IpAddress IpAddress::V6(const std::uint8_t* sixteen_bytes) {
  IpAddress address;
  std::memcpy(address.bytes.data(), sixteen_bytes, address.bytes.size());
  return address;
}

std::optional<IpAddress> IpAddress::Parse(std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != text.npos) return std::nullopt;
  const std::string address(text);
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) return V4(bytes.data());
  if (::inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) return V6(bytes.data());
  return std::nullopt;
}

bool IpAddress::is_v4() const { return std::equal(kMapped.begin(), kMapped.end(), bytes.begin()); }

std::string IpAddress::ToString() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = is_v4();
  ::inet_ntop(v4 ? AF_INET : AF_INET6, bytes.data() + (v4 ? kMapped.size() : 0), text.data(), text.size());
  return text.data();
}

std::optional<std::uint16_t> ParsePort(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return port;
}

std::optional<Endpoint> Endpoint::Parse(std::string_view text) {
  std::string_view host = text;
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto bracket = text.find(']');
    if (bracket == text.npos) return std::nullopt;
    host = text.substr(1, bracket - 1);
    rest = text.substr(bracket + 1);
    if (host.find(':') == host.npos) return std::nullopt;
  } else if (std::ranges::count(text, ':') == 1) {
    host = text.substr(0, text.find(':'));
    rest = text.substr(host.size());
  }
  const auto address = IpAddress::Parse(host);
  if (!address) return std::nullopt;
  Endpoint endpoint{.address = *address};
  if (rest.empty()) return endpoint;
  if (rest.front() != ':') return std::nullopt;
  rest.remove_prefix(1);
  const auto hidden = [](char c) { return Is(kHostChar, c) && c != '~'; };
  if (rest.size() > 1 && rest.front() == '_' && std::ranges::all_of(rest, hidden)) return endpoint;
  const auto port = ParsePort(rest);
  if (!port) return std::nullopt;
  endpoint.port = *port;
  return endpoint;
}

std::optional<Network> Network::Parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::Parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  Network network{.base = *address};
  if (slash == text.npos) return network;
  const auto bits = ParsePort(text.substr(slash + 1));
  const bool v4 = text.substr(0, slash).find(':') == text.npos;
  if (!bits || *bits > (v4 ? 32 : 128)) return std::nullopt;
  network.bits = *bits + (v4 ? kMappedBits : 0);
  for (int bit = network.bits; bit < 128; ++bit) {
    if ((network.base.bytes[static_cast<std::size_t>(bit / 8)] & (0x80u >> (bit % 8))) != 0)
      return std::nullopt;
  }
  return network;
}

bool Network::Contains(const IpAddress& address) const {
  const auto whole = static_cast<std::size_t>(bits / 8);
  if (!std::equal(base.bytes.begin(), base.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                  address.bytes.begin()))
    return false;
  if (bits % 8 == 0) return true;
  const unsigned mask = 0xffu << (8 - bits % 8);
  return ((base.bytes[whole] ^ address.bytes[whole]) & mask & 0xff) == 0;
}

bool TrustedPeers::Add(std::string_view text) {
  if (text == "unix") return unix_sockets_ = true;
  const auto network = Network::Parse(text);
  if (network) networks_.push_back(*network);
  return network.has_value();
}

bool TrustedPeers::Trusts(const std::optional<IpAddress>& peer) const {
  if (!peer) return unix_sockets_;
  return std::ranges::any_of(networks_, [&peer](const Network& network) { return network.Contains(*peer); });
}

}  // namespace hydrapool::http
