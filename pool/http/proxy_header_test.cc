#include "pool/http/proxy_header.h"

#include <gtest/gtest.h>

#include <string>

namespace hydrapool::http {
namespace {

using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string Word(std::size_t value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }
std::string Binary(char command, char family, const std::string& rest) {
  return kSignature + command + family + Word(rest.size()) + rest;
}
std::string Part(char type, const std::string& value) { return type + Word(value.size()) + value; }

const std::string kV4 = "\x01\x02\x03\x04\x05\x06\x07\x08"s + Word(1000) + Word(443);
const std::string kV6 =
    std::string(15, '\0') + '\x01' + std::string(15, '\0') + '\x02' + Word(1000) + Word(443);

/// "CLIENT:PORT > SERVER:PORT", or what else it is.
std::string Said(const std::string& bytes) {
  const auto read = ReadProxyHeader(bytes);
  if (std::holds_alternative<NeedMore>(read)) return "more";
  if (std::holds_alternative<NoProxyHeader>(read)) return "none";
  if (std::holds_alternative<Refusal>(read)) return "refused";
  const auto& header = std::get<ProxyHeader>(read);
  const std::string rest = "+" + std::to_string(bytes.size() - header.size);
  if (!header.tells) return "nothing" + rest;
  const auto of = [](const Endpoint& end) { return end.address.ToString() + ":" + std::to_string(end.port); };
  return of(header.client) + " > " + of(header.server) + (header.tls ? " tls" : "") + rest;
}

TEST(ProxyHeaderTest, InText) {
  EXPECT_EQ(Said("PROXY TCP4 1.2.3.4 5.6.7.8 1000 443\r\nGET"), "1.2.3.4:1000 > 5.6.7.8:443+3");
  EXPECT_EQ(Said("PROXY TCP6 ::1 2001:db8::2 0 65535\r\n"), "::1:0 > 2001:db8::2:65535+0");
  EXPECT_EQ(Said("PROXY UNKNOWN\r\n"), "nothing+0");
  EXPECT_EQ(Said("PROXY UNKNOWN whatever it is\r\n"), "nothing+0");
  for (const auto* text :
       {"PROXY \r\n", "PROXY TCP4\r\n", "PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n",
        "PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n", "PROXY TCP6 1.2.3.4 ::1 1 2\r\n", "PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n",
        "PROXY TCP4 1.2.3.4  1 2\r\n", "PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY UNKNOWNS\r\n"})
    EXPECT_EQ(Said(text), "refused") << text;
  EXPECT_EQ(Said("PROXY UNKNOWN " + std::string(92, 'x')), "more");
  EXPECT_EQ(Said("PROXY UNKNOWN " + std::string(93, 'x')), "refused") << "the end is not within 107 bytes";
}

TEST(ProxyHeaderTest, InBinary) {
  EXPECT_EQ(Said(Binary('\x21', '\x11', kV4) + "GET"), "1.2.3.4:1000 > 5.6.7.8:443+3");
  EXPECT_EQ(Said(Binary('\x21', '\x21', kV6)), "::1:1000 > ::2:443+0");
  EXPECT_EQ(Said(Binary('\x21', '\x12', kV4)), "1.2.3.4:1000 > 5.6.7.8:443+0");
  EXPECT_EQ(Said(Binary('\x20', '\x00', "")), "nothing+0") << "LOCAL";
  EXPECT_EQ(Said(Binary('\x20', '\x11', kV4)), "nothing+0");
  EXPECT_EQ(Said(Binary('\x21', '\x00', "anything")), "nothing+0") << "of no family";
  EXPECT_EQ(Said(Binary('\x21', '\x31', std::string(216, 'x'))), "nothing+0") << "of a UNIX socket";
  EXPECT_EQ(Said(Binary('\x21', '\x51', "later")), "nothing+0");
  EXPECT_EQ(Said(Binary('\x11', '\x11', kV4)), "refused") << "of another version";
  EXPECT_EQ(Said(Binary('\x22', '\x11', kV4)), "refused") << "another command";
  EXPECT_EQ(Said(Binary('\x21', '\x11', kV4.substr(1))), "refused");
  EXPECT_EQ(Said(Binary('\x21', '\x21', kV4)), "refused");
  EXPECT_EQ(Said(Binary('\x20', '\x00', std::string(kMaxProxyHeader - 16, 'x'))), "nothing+0");
  EXPECT_EQ(Said(Binary('\x20', '\x00', std::string(kMaxProxyHeader - 15, 'x'))), "refused");
}

TEST(ProxyHeaderTest, InBinaryWithParts) {
  const auto with = [](const std::string& parts) { return Said(Binary('\x21', '\x11', kV4 + parts)); };
  const std::string plain = "1.2.3.4:1000 > 5.6.7.8:443";
  EXPECT_EQ(with(Part('\x04', "") + Part('\x02', "example.org")), plain + "+0");
  EXPECT_EQ(with(Part('\x20', "\x01\0\0\0\0"s)), plain + " tls+0");
  EXPECT_EQ(with(Part('\x20', "\x06\0\0\0\0"s)), plain + "+0");
  EXPECT_EQ(with("\x04"), "refused");
  EXPECT_EQ(with("\x04\x01"), "refused");
  EXPECT_EQ(with(Part('\x04', "text").substr(0, 6)), "refused");
  EXPECT_EQ(with(Part('\x03', "\0\0\0\0"s)), "refused") << "a wrong checksum";
  EXPECT_EQ(with(Part('\x03', "\0\0\0"s)), "refused");
  EXPECT_EQ(with(Part('\x03', "\x4f\x8d\xa1\x84"s)), plain + "+0");
}

TEST(ProxyHeaderTest, WhateverElseComesIsNone) {
  for (const auto* text :
       {"GET / HTTP/1.1\r\n", "POST ", "PROPFIND / ", "proxy ", "PROXYTCP4", "\r\nGET", "\r\n\r\nGET"})
    EXPECT_EQ(Said(text), "none") << text;
}

TEST(ProxyHeaderTest, PieceByPieceItIsTheSame) {
  for (const std::string& whole :
       {"PROXY TCP4 1.2.3.4 5.6.7.8 1000 443\r\n"s, "PROXY UNKNOWN\r\n"s,
        Binary('\x21', '\x11', kV4 + Part('\x04', "x")), Binary('\x20', '\x00', "")}) {
    for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_EQ(Said(whole.substr(0, size)), "more");
  }
}

}  // namespace
}  // namespace hydrapool::http
