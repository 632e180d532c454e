#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/report/live_view.h"

namespace hydrapool::loadgen {

/// Shows a run on standard error: on a terminal a screen that changes in place (in colour unless
/// NO_COLOR is set to something), elsewhere a line each time. Not for several threads.
///
/// It is decoration: what standard error does not take at once is left out, and after an error (its reader is
/// gone, the disk is full) nothing more is shown. The run goes on.
///
///     ProgressView view(Describe(…));
///     … each second before the start …  view.Await(now);
///     … each second after it …  view.Show(run, run.progress(), now);
///     view.Clear();
class ProgressView {
 public:
  /// `title` is the first line; of `plan` it shows how long the run is to be.
  ProgressView(std::string title, const Plan& plan, sys::Nanos start);

  /// How long it is until what counts begins; `now` is before that. Where it is not a terminal, only once.
  void Await(sys::Nanos now);
  /// The run as it is now; `progress` is its own.
  void Show(const LoadRun& run, Progress progress, sys::Nanos now);
  /// Takes the screen away: the cursor is where it was before the first Show.
  void Clear();

 private:
  void Draw(const std::vector<std::string>& screen);
  void Put(std::string_view text);

  static constexpr std::size_t kCourse = 240;

  bool terminal_;
  bool colour_;
  bool given_up_ = false;
  std::size_t drawn_ = 0;  // lines
  sys::Nanos start_;
  sys::Nanos warmup_;
  sys::Nanos shown_;
  std::string awaited_;  // what was said last of how long it is
  LiveState state_;
};

}  // namespace hydrapool::loadgen
