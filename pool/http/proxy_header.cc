#include "pool/http/proxy_header.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace hydrapool::http {
namespace {

using Outcome = std::variant<NeedMore, NoProxyHeader, ProxyHeader, Refusal>;

constexpr std::string_view kText = "PROXY ";
constexpr std::string_view kBinary("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kMaxText = 107;
constexpr std::size_t kBinaryHead = 16;
constexpr Refusal kMalformed{400, "malformed PROXY header"};

std::uint8_t ByteAt(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }
std::uint16_t WordAt(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(ByteAt(bytes, at) << 8 | ByteAt(bytes, at + 1));
}

/// The word before the next blank, which is taken off with it.
std::string_view TakeWord(std::string_view& line) {
  const auto blank = std::min(line.find(' '), line.size());
  const auto word = line.substr(0, blank);
  line.remove_prefix(std::min(blank + 1, line.size()));
  return word;
}

std::optional<Endpoint> EndpointOf(std::string_view address, std::string_view port, bool v4) {
  const auto parsed = IpAddress::Parse(address);
  const auto number = ParsePort(port);
  const bool dotted = address.find(':') == address.npos;
  if (!parsed || !number || dotted != v4 || (port.size() > 1 && port.front() == '0')) return std::nullopt;
  return Endpoint{*parsed, *number};
}

Outcome ReadText(std::string_view bytes) {
  const auto window = bytes.substr(0, kMaxText);
  const auto end = window.find('\n');
  if (end == window.npos) return window.size() == kMaxText ? Outcome(kMalformed) : Outcome(NeedMore{});
  if (window[end - 1] != '\r') return kMalformed;
  std::string_view line = window.substr(kText.size(), end - 1 - kText.size());
  ProxyHeader header{.size = end + 1};
  const auto family = TakeWord(line);
  if (family == "UNKNOWN") return header;
  if ((family != "TCP4" && family != "TCP6") || std::ranges::count(line, ' ') != 3) return kMalformed;
  const auto source = TakeWord(line);
  const auto destination = TakeWord(line);
  const auto source_port = TakeWord(line);
  const auto client = EndpointOf(source, source_port, family == "TCP4");
  const auto server = EndpointOf(destination, line, family == "TCP4");
  if (!client || !server) return kMalformed;
  header.tells = true;
  header.client = *client;
  header.server = *server;
  return header;
}

/// CRC-32c of the header, whose own four bytes at `at` count as zeroes.
std::uint32_t Checksum(std::string_view bytes, std::size_t at) {
  std::uint32_t sum = ~0u;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum ^= i >= at && i < at + 4 ? 0u : ByteAt(bytes, i);
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0x82f63b78u : 0u);
  }
  return ~sum;
}

/// The parts behind the addresses; false: they are malformed.
bool ReadParts(std::string_view whole, std::size_t at, ProxyHeader& header) {
  constexpr std::uint8_t kChecksum = 0x03;
  constexpr std::uint8_t kTls = 0x20;
  while (at < whole.size()) {
    if (whole.size() - at < 3) return false;
    const std::uint8_t type = ByteAt(whole, at);
    const std::size_t length = WordAt(whole, at + 1);
    at += 3;
    if (whole.size() - at < length) return false;
    if (type == kTls && length >= 5) header.tls = (ByteAt(whole, at) & 1) != 0;
    if (type == kChecksum) {
      if (length != 4) return false;
      const std::uint32_t told = std::uint32_t{WordAt(whole, at)} << 16 | WordAt(whole, at + 2);
      if (told != Checksum(whole, at)) return false;
    }
    at += length;
  }
  return true;
}

Outcome ReadBinary(std::string_view bytes) {
  if (bytes.size() < kBinaryHead) return NeedMore{};
  const unsigned version = ByteAt(bytes, 12) >> 4;
  const unsigned command = ByteAt(bytes, 12) & 0xf;
  const unsigned family = ByteAt(bytes, 13) >> 4;
  const std::size_t size = kBinaryHead + WordAt(bytes, 14);
  if (version != 2 || command > 1 || size > kMaxProxyHeader) return kMalformed;
  if (bytes.size() < size) return NeedMore{};
  const auto whole = bytes.substr(0, size);
  ProxyHeader header{.size = size};
  const std::size_t address = family == 1 ? 4 : family == 2 ? 16 : 0;
  if (command == 0 || address == 0) return header;
  const std::size_t addresses = 2 * address + 4;
  if (size < kBinaryHead + addresses || !ReadParts(whole, kBinaryHead + addresses, header)) return kMalformed;
  const auto* const data = reinterpret_cast<const std::uint8_t*>(whole.data()) + kBinaryHead;
  const auto at = [&](std::size_t i) {
    return address == 4 ? IpAddress::V4(data + i * address) : IpAddress::V6(data + i * address);
  };
  header.tells = true;
  header.client = {at(0), WordAt(whole, kBinaryHead + 2 * address)};
  header.server = {at(1), WordAt(whole, kBinaryHead + 2 * address + 2)};
  return header;
}

bool Begins(std::string_view bytes, std::string_view with) {
  return bytes.substr(0, with.size()) == with.substr(0, bytes.size());
}

}  // namespace

std::variant<NeedMore, NoProxyHeader, ProxyHeader, Refusal> ReadProxyHeader(std::string_view bytes) {
  for (const auto signature : {kText, kBinary}) {
    if (!Begins(bytes, signature)) continue;
    if (bytes.size() < signature.size()) return NeedMore{};
    return signature == kText ? ReadText(bytes) : ReadBinary(bytes);
  }
  return NoProxyHeader{};
}

}  // namespace hydrapool::http
