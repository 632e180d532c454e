#include "loadgen/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace loadgen {
namespace {

constexpr const char* kBackAndErase = "\r\x1b[K";

bool Rewritable() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

}  // namespace

std::string ProgressLine(double elapsed_s, double interval_s, const Progress& before, const Progress& now) {
  const double rate =
      interval_s > 0 ? static_cast<double>(now.completed() - before.completed()) / interval_s : 0;
  const auto ok = now.of(Outcome::kOk);
  return fmt::format(
      "{:4.0f} s {:9.0f} responses/s {:11} ok {:7} not ok {:7} "
      "failed {:6} in flight",
      elapsed_s, rate, ok, now.completed() - ok, now.ended() - now.completed(), now.in_flight());
}

ProgressView::ProgressView() : terminal_(Rewritable()) {}

void ProgressView::Show(const std::string& line) {
  fmt::print(stderr, "{}{}{}", terminal_ ? kBackAndErase : "", line, terminal_ ? "" : "\n");
  std::fflush(stderr);
}

void ProgressView::Clear() {
  if (terminal_) fmt::print(stderr, "{}", kBackAndErase);
}

}  // namespace loadgen
