#include "loadgen/output_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "loadgen/hdr_log.h"
#include "loadgen/report_html.h"
#include "loadgen/series_rows.h"
#include "loadgen/text_file.h"

namespace loadgen {
namespace {

constexpr const char* kStdout = "-";

std::string JsonText(const Report& report) {
  return ToJson(report).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

sys::Result<OutputFiles> OutputFiles::Open(const Outputs& outputs) {
  OutputFiles files;
  const std::vector<std::tuple<const char*, std::string, Render>> wanted = {
      {"--json", outputs.json, JsonText},
      {"--csv", outputs.csv, [](const Report& report) { return ToCsv(Rows(report.run)); }},
      {"--hdr-log", outputs.hdr_log, [](const Report& report) { return HdrText(HdrLogOf(report.run)); }},
      {"--html", outputs.html, ToHtml},
      {"--hgrm", outputs.hgrm, [](const Report& report) { return HgrmText(report.run.tally.response); }},
  };
  for (const auto& [flag, path, render] : wanted) {
    if (path.empty()) continue;
    if (const auto added = files.Add(flag, path, render); !added) return tl::unexpected(added.error());
  }
  if (!outputs.journal.empty()) {
    auto opened = Journal::Open(outputs.journal);
    if (!opened) return tl::unexpected(opened.error());
    files.journal_ = std::move(*opened);
  }
  return files;
}

sys::Result<void> OutputFiles::Add(std::string flag, const std::string& path, Render render) {
  if (const auto same = std::ranges::find(outputs_, path, &Output::path); same != outputs_.end())
    return sys::Failure(fmt::format("{} and {} cannot both be written to {}", same->flag, flag, path));
  Output output{.flag = std::move(flag), .path = path, .render = std::move(render)};
  if (path != kStdout) {
    output.file.reset(std::fopen(path.c_str(), "we"));
    if (!output.file) return sys::Failure(errno, fmt::format("{}: cannot write {}", output.flag, path));
  }
  outputs_.push_back(std::move(output));
  return {};
}

std::FILE* OutputFiles::text() const {
  const bool taken = std::ranges::any_of(outputs_, [](const Output& output) { return !output.file; });
  return taken ? stderr : stdout;
}

sys::Result<void> AddFaults(const Outputs& outputs, Report& report) {
  if (outputs.faults.empty()) return {};
  const auto text = ReadWholeFile(outputs.faults);
  if (!text) return sys::Failure("--faults: " + text.error().message);
  auto faults = ParseFaults(*text, report.run.start_unix_ms, sys::ToSeconds(report.run.duration));
  if (!faults) return sys::Failure(fmt::format("--faults: {}, {}", outputs.faults, faults.error().message));
  report.faults = std::move(*faults);
  return {};
}

sys::Result<void> OutputFiles::Write(const Report& report) const {
  sys::Result<void> result;
  for (const auto& output : outputs_) {
    const auto text = output.render(report);
    std::FILE* file = output.file ? output.file.get() : stdout;
    errno = 0;
    const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    if ((!whole || std::fflush(file) != 0) && result)
      result = sys::Failure(errno, fmt::format("{}: cannot write {}", output.flag, output.path));
  }
  return result;
}

}  // namespace loadgen
