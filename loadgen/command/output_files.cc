#include "loadgen/command/output_files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "loadgen/plan/target_list.h"
#include "loadgen/plan/text_file.h"
#include "loadgen/report/hdr_log.h"
#include "loadgen/report/report_html.h"
#include "loadgen/report/report_summary.h"
#include "loadgen/report/series_rows.h"

namespace hydrapool::loadgen {
namespace {

constexpr const char* kStdout = "-";

std::string TextOf(const std::string& flag, const Report& report) {
  if (flag == "--json") return JsonText(ToJson(report));
  if (flag == "--csv") return ToCsv(Rows(report.run), TargetNames(report.plan));
  if (flag == "--hdr-log") return HdrText(HdrLogOf(report.run));
  if (flag == "--html") return ToHtml(report);
  if (flag == "--summary") return ToMarkdown(report);
  if (flag == "--junit") return ToJUnit(report);
  return HgrmText(report.run.tally.latency.response);
}

}  // namespace

sys::Result<void> Put(const std::string& text, std::FILE* file, const std::string& complaint) {
  errno = 0;
  const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0;
  if (!whole || std::ferror(file) != 0) return sys::Failure(errno, complaint);
  return {};
}

sys::Result<TextFiles> TextFiles::Open(const std::vector<std::pair<std::string, std::string>>& paths_by_flag,
                                       DistinctFiles distinct) {
  TextFiles files;
  for (const auto& [flag, path] : paths_by_flag) {
    if (path.empty()) continue;
    File file{.flag = flag, .path = path};
    if (path != kStdout) {
      auto fd = distinct.Open(flag, path);
      if (!fd) return tl::unexpected(fd.error());
      file.file.reset(::fdopen(fd->get(), "w"));
      if (!file.file) return sys::Failure(errno, fmt::format("{}: cannot write {}", flag, path));
      std::ignore = fd->Release();
    } else if (const auto same = std::ranges::find(files.files_, path, &File::path);
               same != files.files_.end()) {
      return sys::Failure(fmt::format("{} and {} cannot both be written to {}", same->flag, flag, path));
    }
    files.files_.push_back(std::move(file));
  }
  for (const auto& file : files.files_) {
    if (!file.file || ::ftruncate(::fileno(file.file.get()), 0) == 0 || errno == EINVAL) continue;
    return sys::Failure(errno, fmt::format("{}: cannot write {}", file.flag, file.path));
  }
  return files;
}

std::FILE* TextFiles::text() const {
  return std::ranges::any_of(files_, [](const File& file) { return !file.file; }) ? stderr : stdout;
}

void TextFiles::Say(const std::string& part) const {
  std::fwrite(part.data(), 1, part.size(), text());
  std::fflush(text());
}

sys::Result<void> TextFiles::Write(const std::string& text, const Render& render,
                                   const std::function<void()>& written) const {
  sys::Result<void> result;
  const auto put = [&result](const std::string& what, std::FILE* file, const std::string& complaint) {
    auto done = Put(what, file, complaint);
    if (!done && result) result = std::move(done);
  };
  const auto write = [&](const File& output, std::FILE* file) {
    put(render(output.flag), file, fmt::format("{}: cannot write {}", output.flag, output.path));
  };
  for (const auto& output : files_) {
    if (output.file) write(output, output.file.get());
  }
  written();
  put(text, this->text(), "cannot write the report");
  for (const auto& output : files_) {
    if (!output.file) write(output, stdout);
  }
  return result;
}

sys::Result<OutputFiles> OutputFiles::Open(const Outputs& outputs, DistinctFiles distinct) {
  distinct.Spare("--faults", outputs.faults);
  sys::UniqueFd held;  // a pipe's reader sees no end meanwhile
  if (!outputs.journal.empty()) {
    auto journal = distinct.Open("--journal", outputs.journal);
    if (!journal) return tl::unexpected(journal.error());
    held = std::move(*journal);
  }
  auto opened = TextFiles::Open({{"--json", outputs.json},
                                 {"--csv", outputs.csv},
                                 {"--hdr-log", outputs.hdr_log},
                                 {"--html", outputs.html},
                                 {"--hgrm", outputs.hgrm},
                                 {"--summary", outputs.summary},
                                 {"--junit", outputs.junit}},
                                std::move(distinct));
  if (!opened) return tl::unexpected(opened.error());
  OutputFiles files(std::move(*opened), outputs.annotate);
  if (!outputs.journal.empty()) {
    auto journal = Journal::Open(outputs.journal);
    if (!journal) return tl::unexpected(journal.error());
    files.journal_ = std::move(*journal);
  }
  return files;
}

sys::Result<void> OutputFiles::Write(const Report& report, const std::function<void()>& on_files) const {
  const auto lines = annotate_ ? ToAnnotations(report, *annotate_) : std::string();
  auto written = files_.Write(
      ToText(report) + lines, [&report](const std::string& flag) { return TextOf(flag, report); }, on_files);
  if (!written) return written;
  return journal_ ? journal_->Check() : sys::Result<void>();
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

}  // namespace hydrapool::loadgen
