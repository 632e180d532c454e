#include "loadgen/report/fault_spans.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace hydrapool::loadgen {
namespace {

std::string Label(const nlohmann::json& line) {
  auto label = line.at("fault").get<std::string>();
  if (line.contains("slot")) label += fmt::format(" of slot {}", line.at("slot").get<int>());
  if (line.contains("pid")) label += fmt::format(" (pid {})", line.at("pid").get<int>());
  return label;
}

}  // namespace

sys::Result<std::vector<FaultSpan>> ParseFaults(std::string_view journal, std::int64_t start_unix_ms,
                                                double duration_s) {
  std::vector<FaultSpan> faults;
  std::istringstream lines{std::string(journal)};
  int number = 0;
  for (std::string text; std::getline(lines, text);) {
    ++number;
    if (text.empty()) continue;
    try {
      const auto line = nlohmann::json::parse(text);
      const double from = static_cast<double>(line.at("unix_ms").get<std::int64_t>() - start_unix_ms) / 1e3;
      const double to = from + line.value("dead_us", 0.0) / 1e6;
      if (line.at("outcome") == "missed" || to < 0 || from > duration_s) continue;
      faults.push_back({.from_s = from, .to_s = to, .label = Label(line)});
    } catch (const nlohmann::json::exception&) {
      return sys::Failure(fmt::format("line {}: not a line of harness's journal of faults", number));
    }
  }
  return faults;
}

}  // namespace hydrapool::loadgen
