#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pool/sys/clock.h"
#include "pool/testing/http_client.h"

namespace hydrapool::support {

/// One request of a crowd: what is sent and what must come back.
struct Question {
  std::string request;
  std::string body;     ///< of the answer
  bool closes = false;  ///< the request says so, so the server must end the connection
  int status = 200;     ///< of the answer
};

struct CrowdResult {
  std::vector<std::string> answered;  ///< the ids of what got its own whole answer
  std::vector<std::string> problems;  ///< one line for each request that did not, and for each byte too many
};

/// Many blocking clients at once, each asking one question after the other on its own connection until the
/// time is over; a connection that was told to close is checked to end there and opened again. Every id is
/// asked once.
///
///     const CrowdResult result = AskInCrowd(address, 16, 8 * sys::kSecond, [](const std::string& id) {
///       return Question{Get("/cgi-bin/record?id=" + id), id + "\n"};
///     });
CrowdResult AskInCrowd(const std::string& address, int clients, sys::Nanos duration,
                       const std::function<Question(const std::string& id)>& question);

/// The first few of many, for a failure's message.
std::string FirstOf(const std::vector<std::string>& lines);

}  // namespace hydrapool::support
