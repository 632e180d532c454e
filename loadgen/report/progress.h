#pragma once

#include <cstddef>
#include <string>

#include "loadgen/report/live_view.h"

namespace loadgen {

/// Shows a running test on standard error: on a terminal a screen that changes in place (in colour unless
/// NO_COLOR is set to something), elsewhere a line each time. Not for several threads.
///
///     ProgressView view(Describe(…));
///     … each second …  view.Show(test.progress(), test, now);
///     view.Clear();
class ProgressView {
 public:
  /// `title` is the first line; of `plan` it shows how long the run is to be.
  ProgressView(std::string title, const Plan& plan, sys::Nanos start);

  /// The test as it is now; `progress` is its own.
  void Show(const LoadTest& test, Progress progress, sys::Nanos now);
  /// Takes the screen away: the cursor is where it was before the first Show.
  void Clear();

 private:
  void Draw();

  static constexpr std::size_t kCourse = 240;

  bool terminal_;
  bool colour_;
  std::size_t drawn_ = 0;  // lines
  sys::Nanos start_;
  sys::Nanos shown_;
  LiveState state_;
};

}  // namespace loadgen
