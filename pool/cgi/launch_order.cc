#include "pool/cgi/launch_order.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include <fmt/format.h>

#include "pool/http/text.h"

namespace hydrapool::cgi {
namespace {

constexpr std::size_t kFacts = 10;

/// Of text that came from strangers: a line of its own.
std::string Line(std::string_view text) {
  std::string line(text.substr(0, text.find_first_of("\r\n")));
  return line + '\n';
}

template <typename Number>
bool Read(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool IsFraming(std::string_view name) {
  return http::EqualsIgnoringCase(name, "Content-Length") ||
         http::EqualsIgnoringCase(name, "Transfer-Encoding") || http::EqualsIgnoringCase(name, "Expect") ||
         http::EqualsIgnoringCase(name, "Host");
}

std::string HeadOf(const http::Request& request) {
  std::string head =
      fmt::format("{} {} HTTP/1.{}\r\n", request.method, request.target, request.minor_version);
  if (const auto host = request.Find("Host")) head += fmt::format("Host: {}\r\n", *host);
  if (request.body == http::BodyKind::kLength)
    head += fmt::format("Content-Length: {}\r\n", request.content_length);
  for (const http::Field& field : request.fields) {
    if (!IsFraming(field.name)) head += fmt::format("{}: {}\r\n", field.name, field.value);
  }
  return head + "\r\n";
}

}  // namespace

std::string LaunchOrder::Write(const http::Request& request, const ClientFacts& client) {
  std::string text;
  for (const std::string& fact :
       {client.remote_address, std::to_string(client.remote_port), client.server_address,
        std::to_string(client.server_port), client.scheme, client.request_id,
        std::string(client.user ? "1" : "0"), client.user.value_or(""),
        client.body_length ? std::to_string(*client.body_length) : "", std::string(request.host)})
    text += Line(fact);
  return text + HeadOf(request);
}

std::optional<LaunchOrder> LaunchOrder::Read(std::string_view text) {
  std::array<std::string, kFacts> facts;
  for (std::string& fact : facts) {
    const auto end = text.find('\n');
    if (end == text.npos) return std::nullopt;
    fact = text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  LaunchOrder order{.client = {.remote_address = facts[0],
                               .server_address = facts[2],
                               .request_id = facts[5],
                               .scheme = facts[4]},
                    .host = facts[9],
                    .head = std::string(text)};
  if (!cgi::Read(facts[1], order.client.remote_port) || !cgi::Read(facts[3], order.client.server_port))
    return std::nullopt;
  if (facts[6] == "1") order.client.user = facts[7];
  if (!facts[8].empty() && !cgi::Read(facts[8], order.client.body_length.emplace())) return std::nullopt;
  return order;
}

}  // namespace hydrapool::cgi
