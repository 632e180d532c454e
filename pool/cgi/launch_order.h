#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pool/cgi/environment.h"
#include "pool/http/request.h"
#include "pool/http/request_parser.h"

namespace hydrapool::cgi {

/// What a launcher is told of a program to start: a request, and who asks. As text: a line for each fact of
/// the client, then a request's head. It is read as a stranger's: which program that is, and what its
/// environment holds, follows from the request by the launcher's own configuration.
struct LaunchOrder {
  /// More is no order.
  static constexpr std::size_t kMost = std::size_t{128} * 1024;

  ClientFacts client;
  std::string host;  ///< that counts in place of the request's; empty: none
  std::string head;

  /// `request`: also one that a local redirect has made.
  [[nodiscard]] static std::string Write(const http::Request& request, const ClientFacts& client);
  /// nullopt: it is none.
  [[nodiscard]] static std::optional<LaunchOrder> Read(std::string_view text);
};

}  // namespace hydrapool::cgi
