#pragma once

#include <regex.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/engine/response_text.h"
#include "loadgen/plan/scenario.h"

namespace hydrapool::loadgen {

/// What a session looks for in the answers to one of its requests: whether they are as they must be, and the
/// values that its later requests use.
///
///     if (const auto why = rules.Apply(response, values)) …        // it is not: why
///
/// One thread's.
class StepRules {
 public:
  /// A body of a MiB is looked into, not more: memory is bounded.
  static constexpr std::size_t kMostOfBody = std::size_t{1} << 20U;
  static constexpr std::size_t kMostOfResponse = kMostOfBody + 256 * 1024;

  /// `request` must outlive it. Its expressions can be compiled (scenario_file.h).
  explicit StepRules(const StepRequest& request);

  [[nodiscard]] bool looks() const { return request_.looks(); }
  /// The status is the expected one; nullopt: as the plan says for all.
  [[nodiscard]] std::optional<bool> Expects(int status) const;
  /// Checks a whole response and takes its values. Why it is not what it must be, or what it lacks; nullopt
  /// where it is in order. A value with control characters is none: it could not stand in a request.
  [[nodiscard]] std::optional<std::string> Apply(const ResponseText& response,
                                                 std::vector<std::string>& values) const;

 private:
  struct FreeRegex {
    void operator()(regex_t* regex) const {
      ::regfree(regex);
      delete regex;
    }
  };

  const StepRequest& request_;
  std::vector<std::unique_ptr<regex_t, FreeRegex>> regexes_;  // as request_.extract; null where it is not one
};

}  // namespace hydrapool::loadgen
