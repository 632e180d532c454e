#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loadgen/command/distinct_files.h"
#include "loadgen/command/output_options.h"
#include "loadgen/report/report.h"
#include "loadgen/stats/journal.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// Writes all of `text` and flushes; the error where it did not get there whole.
[[nodiscard]] sys::Result<void> Put(const std::string& text, std::FILE* file, const std::string& complaint);

/// Files that are all opened before something is done, and written after it. They are emptied once all are
/// open: where one is refused the others keep what is in them.
///
///     auto files = TextFiles::Open({{"--json", json_path}, {"--csv", csv_path}});
///     … the error names the flag, the file and the reason …
///     auto written = files->Write([&](const std::string& flag) { return flag == "--json" ? … : …; });
///
/// An empty path is no file. "-" is standard output; people's text (`Say`) then goes to standard error. No
/// two may be the same, nor one that `distinct` knows.
class TextFiles {
 public:
  static sys::Result<TextFiles> Open(const std::vector<std::pair<std::string, std::string>>& paths_by_flag,
                                     DistinctFiles distinct = {});

  /// Prints a part of people's text, at once; Write tells whether that failed.
  void Say(const std::string& part) const;
  using Render = std::function<std::string(const std::string& flag)>;
  /// Writes all files and then prints the (rest of the) text, for whose reader it may wait long; also what
  /// comes after one that failed; the error is the first. Calls `written` when the files are there, and only
  /// standard output and standard error are left.
  [[nodiscard]] sys::Result<void> Write(
      const std::string& text, const Render& render, const std::function<void()>& written = [] {}) const;

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
  static sys::Result<OutputFiles> Open(const Outputs& outputs, DistinctFiles distinct = {});

  /// Null where none was asked for.
  [[nodiscard]] const Journal* journal() const { return journal_ ? &*journal_ : nullptr; }
  /// ToText for people, and all files; as TextFiles.
  [[nodiscard]] sys::Result<void> Write(
      const Report& report, const std::function<void()>& written = [] {}) const;

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
