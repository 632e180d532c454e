#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loadgen/command/output_options.h"
#include "loadgen/report/report.h"
#include "loadgen/stats/journal.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// Files that are all opened (created, emptied) before something is done, and written after it.
///
///     auto files = TextFiles::Open({{"--json", json_path}, {"--csv", csv_path}});
///     … the error names the flag, the file and the reason …
///     auto written = files->Write([&](const std::string& flag) { return flag == "--json" ? … : …; });
///
/// An empty path is no file. "-" is standard output; people's text (`Say`) then goes to standard error. No
/// two may be the same.
class TextFiles {
 public:
  static sys::Result<TextFiles> Open(const std::vector<std::pair<std::string, std::string>>& paths_by_flag);

  /// Prints a part of people's text, at once; Write tells whether that failed.
  void Say(const std::string& part) const;
  /// Prints the (rest of the) text and writes all files, also what comes after one that failed; the error is
  /// the first.
  [[nodiscard]] sys::Result<void> Write(
      const std::string& text, const std::function<std::string(const std::string& flag)>& render) const;

 private:
  [[nodiscard]] std::FILE* text() const;

  struct File {
    std::string flag;
    std::string path;
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{nullptr, &std::fclose};
  };
  std::vector<File> files_;
};

/// The files of a run.
class OutputFiles {
 public:
  static sys::Result<OutputFiles> Open(const Outputs& outputs);

  /// Null where none was asked for.
  [[nodiscard]] const Journal* journal() const { return journal_ ? &*journal_ : nullptr; }
  /// ToText for people, and all files; as TextFiles.
  [[nodiscard]] sys::Result<void> Write(const Report& report) const;

 private:
  OutputFiles(TextFiles files, std::optional<CiSystem> annotate)
      : files_(std::move(files)), annotate_(annotate) {}

  TextFiles files_;
  std::optional<CiSystem> annotate_;
  std::optional<Journal> journal_;
};

/// Reads the faults that were asked for into the report.
[[nodiscard]] sys::Result<void> AddFaults(const Outputs& outputs, Report& report);

}  // namespace hydrapool::loadgen
