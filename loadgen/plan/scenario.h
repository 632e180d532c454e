#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pool/sys/clock.h"

namespace hydrapool::loadgen {

/// A value of a response that later requests of its session use, as "{NAME}".
struct Extraction {
  enum class From {
    kJson,    ///< `what` is a JSON pointer (RFC 6901) into the body.
    kHeader,  ///< a header's name
    kRegex,   ///< a POSIX extended regular expression; the value is its first group, or what it matches
    kCookie,  ///< a cookie's name
  };
  std::size_t variable = 0;  ///< Which of the scenario's.
  From from = From::kJson;
  std::string what = {};
};

/// What a response must be for its session to go on, beside what all must be.
struct StepCheck {
  std::vector<int> status = {};  ///< Empty: as for all.
  std::string contains = {};     ///< The body does.
  struct Json {
    std::string pointer = {};
    std::string value = {};  ///< A string as it is, else as JSON.
  };
  std::vector<Json> json = {};
};

struct StepRequest {
  std::vector<Extraction> extract = {};
  StepCheck check = {};
  /// Its response must be looked into.
  [[nodiscard]] bool looks() const {
    return !extract.empty() || !check.contains.empty() || !check.json.empty();
  }
};

/// The time between a response and the session's next request.
struct Think {
  enum class Kind { kConstant, kNormal, kExponential };
  Kind kind = Kind::kConstant;
  sys::Nanos mean = 0;
  sys::Nanos deviation = 0;  ///< kNormal; what would be below 0 is 0.
};

/// The time that two random numbers stand for. Pure.
[[nodiscard]] sys::Nanos Draw(const Think& think, std::uint64_t a, std::uint64_t b);

/// What one user does: requests over one connection, one after the other, with think times between them.
struct Session {
  struct Step {
    bool think = false;     ///< Else a request.
    std::size_t index = 0;  ///< Which of the scenario's.
  };
  std::string name = {};
  unsigned weight = 1;
  std::vector<Step> steps = {};  ///< Loops are written out. The first one is a request.
};

/// What the sessions of a run are; its requests are the plan's targets.
///
/// A session ends at its first answer that is not ok. In its URLs, headers and bodies "{NAME}" is what an
/// earlier answer of the same session had; {counter}, {random} and {line:FILE} are the session's, the same in
/// all of its requests.
struct Scenario {
  /// What arrives by the plan's rate. false: sessions; their later requests are due by the answer before them
  /// and the think time. true: requests; each is the next one of the session that has been ready the longest,
  /// or the first one of a new session.
  bool of_requests = false;
  std::vector<std::string> variables = {};
  std::vector<StepRequest> requests = {};  ///< As the plan's targets.
  std::vector<Think> thinks = {};
  std::vector<Session> sessions = {};
};

}  // namespace hydrapool::loadgen
