#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hydrapool::metrics {

/// A page in Prometheus' text format, taken apart for tests: every sample by its series as written, labels in
/// the order given (`name{slot="0",code="2xx"}`), and the families in the order of their TYPE lines.
struct TextPage {
  std::map<std::string, double, std::less<>> samples;
  std::map<std::string, std::string, std::less<>> types;  ///< "counter", "gauge" or "histogram", by family
  std::vector<std::string> families;
  std::vector<std::string>
      faults;  ///< lines that are no such thing, series given twice, samples of no family

  /// A sample's value; fails the test and is -1 where there is none.
  [[nodiscard]] double Value(std::string_view series) const;
  /// Whether a series may only grow: a counter, or a histogram's buckets, sum and count.
  [[nodiscard]] bool MayOnlyGrow(std::string_view series) const;
};

[[nodiscard]] TextPage ParseTextPage(std::string_view text);

}  // namespace hydrapool::metrics
