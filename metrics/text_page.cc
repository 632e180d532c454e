#include "metrics/text_page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace hydrapool::metrics {
namespace {

std::string FamilyOf(std::string_view series, const TextPage& page) {
  const std::string_view name = series.substr(0, series.find('{'));
  if (page.types.contains(name)) return std::string(name);
  for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
    if (!name.ends_with(suffix)) continue;
    const auto base = name.substr(0, name.size() - suffix.size());
    const auto type = page.types.find(base);
    if (type != page.types.end() && type->second == "histogram") return std::string(base);
  }
  return {};
}

}  // namespace

double TextPage::Value(std::string_view series) const {
  const auto sample = samples.find(series);
  if (sample != samples.end()) return sample->second;
  ADD_FAILURE() << "no series " << series;
  return -1;
}

bool TextPage::MayOnlyGrow(std::string_view series) const {
  const auto type = types.find(FamilyOf(series, *this));
  return type != types.end() && type->second != "gauge";
}

TextPage ParseTextPage(std::string_view text) {
  TextPage page;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    if (line.starts_with("# TYPE ")) {
      std::string hash, keyword, family, type;
      words >> hash >> keyword >> family >> type;
      if (!page.types.emplace(family, type).second) page.faults.push_back("family twice: " + family);
      page.families.push_back(family);
    } else if (!line.starts_with("# HELP ")) {
      const auto space = line.rfind(' ');
      const std::string series = line.substr(0, space);
      std::size_t digits = 0;
      const double value = space == line.npos ? 0 : std::stod(line.substr(space + 1), &digits);
      const bool whole = digits > 0 && space + 1 + digits == line.size();
      if (!whole || FamilyOf(series, page) != page.families.back())
        page.faults.push_back("out of place: " + line);
      if (!page.samples.emplace(series, value).second) page.faults.push_back("series twice: " + series);
    }
  }
  return page;
}

}  // namespace hydrapool::metrics
