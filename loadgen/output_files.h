#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/journal.h"
#include "loadgen/output_options.h"
#include "loadgen/report.h"
#include "pool/sys/error.h"

namespace loadgen {

/// The files of a run: all opened before it, written after it.
///
///     auto files = OutputFiles::Open(outputs);      // an error names the flag, the file and the reason
///     … run, with files->journal() …
///     if (auto written = files->Write(report); !written) …
///
/// "-" is standard output; people's text then goes to standard error (`text()`). At most one may be that.
class OutputFiles {
 public:
  static sys::Result<OutputFiles> Open(const Outputs& outputs);

  /// Null where none was asked for.
  [[nodiscard]] const Journal* journal() const { return journal_ ? &*journal_ : nullptr; }
  [[nodiscard]] std::FILE* text() const;
  /// Writes all of them, also those after one that failed; the error is the first.
  [[nodiscard]] sys::Result<void> Write(const Report& report) const;

 private:
  using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
  using Render = std::function<std::string(const Report&)>;
  struct Output {
    std::string flag;
    std::string path;
    Render render;
    File file{nullptr, &std::fclose};
  };
  sys::Result<void> Add(std::string flag, const std::string& path, Render render);

  std::optional<Journal> journal_;
  std::vector<Output> outputs_;
};

/// Reads the faults that were asked for into the report.
[[nodiscard]] sys::Result<void> AddFaults(const Outputs& outputs, Report& report);

}  // namespace loadgen
