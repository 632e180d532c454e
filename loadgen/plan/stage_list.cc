#include "loadgen/plan/stage_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "loadgen/plan/rate_curve.h"
#include "pool/sys/units.h"

namespace hydrapool::loadgen {
namespace {

bool IsZero(std::string_view number) {
  return !number.empty() && number.find_first_not_of("0.") == number.npos && number[0] == '0';
}

sys::Result<Stage> ParseStage(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == text.npos) return sys::Failure(fmt::format("'{}' is not a stage (RATE:TIME)", text));
  const auto rate = text.substr(0, colon);
  const auto time = text.substr(colon + 1);
  Stage stage;
  if (!IsZero(rate) && rate != "0/s") {
    const auto parsed = sys::ParseRate(rate);
    if (!parsed) return tl::unexpected(parsed.error());
    stage.rate = *parsed;
  }
  if (!IsZero(time) && time != "0s") {
    const auto parsed = sys::ParseDuration(time);
    if (!parsed) return tl::unexpected(parsed.error());
    stage.duration = *parsed;
  }
  return stage;
}

}  // namespace

sys::Result<std::vector<Stage>> ParseStages(std::string_view text) {
  std::vector<Stage> stages;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    const auto stage = ParseStage(text.substr(begin, end - begin));
    if (!stage) return sys::Failure("--stages: " + stage.error().message);
    stages.push_back(*stage);
    begin = end + 1;
  }
  if (DurationOf(stages) == 0 || MeanRateOf(stages) <= 0) {
    return sys::Failure(fmt::format("--stages {}: nothing is ever due", text));
  }
  return stages;
}

sys::Nanos DurationOf(const std::vector<Stage>& stages) {
  sys::Nanos sum = 0;
  for (const auto& stage : stages) sum += stage.duration;
  return sum;
}

double MeanRateOf(const std::vector<Stage>& stages) {
  return RateCurve::Staged(0, stages).Total() / sys::ToSeconds(DurationOf(stages));
}

}  // namespace hydrapool::loadgen
