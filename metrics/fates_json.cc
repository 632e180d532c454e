#include "metrics/fates_json.h"

#include <fmt/format.h>

#include <iterator>

namespace hydrapool::metrics {

std::string FatesJson(const hydrapool::FateJournal& fates, pid_t parent) {
  fmt::memory_buffer text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, R"({{"schema":1,"pid":{},"total":{},"fates":[)", parent, fates.total());
  const char* comma = "";
  for (const hydrapool::Fate& fate : fates.kept()) {
    fmt::format_to(out, R"({}{{"at_ns":{},"peer":"{}",)", comma, fate.at, fate.peer);
    if (fate.worker == hydrapool::Fate::kNoWorker) {
      fmt::format_to(out, R"("slot":null,"pid":null,)");
    } else {
      fmt::format_to(out, R"("slot":{},"pid":{},)", fate.worker, fate.pid);
    }
    fmt::format_to(out, R"("phase":"{}","fate":"{}"}})", hydrapool::PhaseName(fate.phase),
                   FateName(fate.kind));
    comma = ",";
  }
  fmt::format_to(out, "]}}");
  return fmt::to_string(text);
}

}  // namespace hydrapool::metrics
