#pragma once

#include <string>

#include "loadgen/load_test.h"

namespace loadgen {

/// "   3 s   2000 responses/s   6003 ok   2 failed   12 in flight": one line about a running test, without
/// its end. `before` is what it had done `interval_s` ago. Pure.
std::string ProgressLine(double elapsed_s, double interval_s, const Progress& before, const Progress& now);

/// Shows a line each second on standard error: on a terminal one line that changes in place, elsewhere one
/// after the other. It uses no colours. Not for several threads.
class ProgressView {
 public:
  ProgressView();
  void Show(const std::string& line);
  /// Leaves the terminal at the beginning of an empty line.
  void Clear();

 private:
  bool terminal_;
};

}  // namespace loadgen
