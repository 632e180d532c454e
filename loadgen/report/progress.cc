#include "loadgen/report/progress.h"

#include <fmt/format.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "loadgen/report/bootstrap.h"
#include "loadgen/report/terminal_text.h"

namespace hydrapool::loadgen {
namespace {

constexpr sys::Nanos kAtOnce = 100 * sys::kMillisecond;
/// A pipe that poll(2) calls writable takes so much without waiting (pipe(7)).
constexpr std::size_t kAtOnceWithoutWaiting = PIPE_BUF;
constexpr const char* kEraseLine = "\x1b[K";
constexpr const char* kEraseBelow = "\x1b[J";

std::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool Rewritable() {
  const auto term = Environment("TERM");
  return ::isatty(STDERR_FILENO) == 1 && !term.empty() && term != "dumb";
}

ScreenSize SizeOfTerminal() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return {};
  return {.rows = size.ws_row, .columns = size.ws_col};
}

/// 0 where fewer than ten lie beyond it.
double KnownPercentile(const LatencyHistogram& histogram, double percentile) {
  if (!EnoughFor(percentile, histogram.count())) return 0;
  return static_cast<double>(histogram.ValueAtPercentile(percentile));
}

/// Of the second that was under way before the one that `now` is in.
double InLastSecond(const LoadRun& run, sys::Nanos elapsed, double percentile) {
  const auto& series = run.series();
  const auto found = series.intervals().find((elapsed / series.width() - 1) * series.width());
  if (found == series.intervals().end()) return 0;
  return KnownPercentile(found->second.response.Unpack(), percentile);
}

void Remember(std::deque<double>& values, double value, std::size_t most) {
  values.push_back(value);
  if (values.size() > most) values.pop_front();
}

}  // namespace

ProgressView::ProgressView(std::string title, const Plan& plan, sys::Nanos start)
    : terminal_(Rewritable()),
      colour_(Environment("NO_COLOR").empty()),
      start_(start),
      warmup_(plan.arrivals.warmup),
      shown_(start) {
  state_.title = std::move(title);
  state_.planned_s = plan.arrivals.count ? 0 : sys::ToSeconds(plan.arrivals.duration);
  state_.planned_requests = plan.arrivals.count.value_or(0);
}

void ProgressView::Show(const LoadRun& run, Progress progress, sys::Nanos now) {
  state_.before = std::exchange(state_.now, std::move(progress));
  state_.interval_s = sys::ToSeconds(now - std::exchange(shown_, now));
  state_.elapsed_s = sys::ToSeconds(now - start_);
  const auto& response = run.latencies().response;
  state_.p50 = KnownPercentile(response, 50);
  state_.p99 = KnownPercentile(response, 99);
  state_.max = response.max();
  Remember(state_.p50s, InLastSecond(run, now - start_, 50), kCourse);
  Remember(state_.p99s, InLastSecond(run, now - start_, 99), kCourse);
  if (terminal_) {
    Draw(LiveScreen(state_, SizeOfTerminal(), colour_));
  } else {
    Draw({LiveLine(state_)});
  }
}

void ProgressView::Await(sys::Nanos now) {
  const auto begin = start_ - warmup_;
  const bool warming_up = begin - now < kAtOnce;
  const std::string what = warming_up ? "warming up: counts" : "begins";
  if (terminal_ || what != awaited_) {
    const auto line =
        fmt::format("{} in {:.0f} s", what, sys::ToSeconds((warming_up ? start_ : begin) - now));
    Draw(terminal_ ? std::vector{Cut(state_.title, SizeOfTerminal().columns), line} : std::vector{line});
  }
  awaited_ = what;
}

void ProgressView::Draw(const std::vector<std::string>& screen) {
  std::string text = drawn_ > 0 ? fmt::format("\x1b[{}A", drawn_) : "";
  for (const auto& line : screen) text += terminal_ ? "\r" + line + kEraseLine + "\n" : line + "\n";
  Put(text + (terminal_ ? kEraseBelow : ""));
  if (terminal_) drawn_ = screen.size();
}

void ProgressView::Put(std::string_view text) {
  while (!given_up_ && !text.empty()) {
    pollfd room{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    if (::poll(&room, 1, 0) == 0) return;
    const auto n = ::write(STDERR_FILENO, text.data(), std::min(text.size(), kAtOnceWithoutWaiting));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    given_up_ = n < 0;
    if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
  }
}

void ProgressView::Clear() {
  if (drawn_ > 0) Put(fmt::format("\x1b[{}A\r{}", std::exchange(drawn_, 0), kEraseBelow));
}

}  // namespace hydrapool::loadgen
