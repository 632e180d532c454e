#include "pool/sys/failpoint.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "pool/sys/failpoint_gate.h"
#include "pool/sys/shared_memory.h"

namespace hydrapool::sys {
namespace {

constexpr int kSkip = 0;

struct Point {
  std::string name;
  int signal = SIGKILL;  // or kSkip
  std::uint64_t first = 1;
  std::uint64_t period = 0;       // 0: only once
  FailpointGate* gate = nullptr;  // instead of a count
};

struct Armed {
  std::vector<Point> points;
  SharedArray<std::atomic<std::uint64_t>> passes;
};

Armed* g_armed = nullptr;  // never freed: a point may be passed until the very end

[[noreturn]] void Refuse(std::string_view text) {
  throw std::invalid_argument(fmt::format(
      "HYDRAPOOL_FAILPOINTS: cannot read '{}'; write NAME=kill|crash|stop|skip[@N[+|%M]|@/FILE]", text));
}

std::uint64_t Number(std::string_view digits, std::string_view whole) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value == 0) Refuse(whole);
  return value;
}

FailpointGate* OpenGate(std::string_view path) {
  const auto gate = MapFailpointGate(std::string(path).c_str());
  if (!gate) throw std::invalid_argument("HYDRAPOOL_FAILPOINTS: " + gate.error().message);
#ifdef HYDRAPOOL_FAILPOINTS
  (*gate)->armed = 1;
#endif
  return *gate;
}

/// The N, N+ or N%M of a point.
void ParseCount(std::string_view count, std::string_view text, Point& point) {
  if (count.ends_with('+')) {
    point.period = 1;
    count.remove_suffix(1);
  } else if (const auto percent = count.find('%'); percent != count.npos) {
    point.period = Number(count.substr(percent + 1), text);
    count = count.substr(0, percent);
  }
  point.first = Number(count, text);
}

Point ParsePoint(std::string_view text) {
  Point point;
  const auto equals = text.find('=');
  if (equals == text.npos || equals == 0) Refuse(text);
  point.name = text.substr(0, equals);
  std::string_view action = text.substr(equals + 1);
  if (const auto at = action.find('@'); at != action.npos) {
    const std::string_view when = action.substr(at + 1);
    action = action.substr(0, at);
    if (when.starts_with('/')) {
      point.gate = OpenGate(when);
    } else {
      ParseCount(when, text, point);
    }
  }
  if (action == "stop") {
    point.signal = SIGSTOP;
  } else if (action == "crash") {
    point.signal = SIGSEGV;
  } else if (action == "skip") {
    point.signal = kSkip;
  } else if (action != "kill") {
    Refuse(text);
  }
  return point;
}

// As a real crash, which nothing can block, and which a sanitizer's handler would make an exit.
void LetCrash() {
  ::signal(SIGSEGV, SIG_DFL);
  sigset_t crash;
  sigemptyset(&crash);
  sigaddset(&crash, SIGSEGV);
  ::pthread_sigmask(SIG_UNBLOCK, &crash, nullptr);
}

/// `pass` is which one it is, from 1.
bool IsDue(const Point& point, std::uint64_t pass) {
  if (point.gate != nullptr) return point.gate->Enter();
  return pass == point.first ||
         (point.period != 0 && pass > point.first && (pass - point.first) % point.period == 0);
}

}  // namespace

void ArmFailpoints() {
  const char* variable = std::getenv("HYDRAPOOL_FAILPOINTS");
  if (variable == nullptr || *variable == '\0') return;
  std::vector<Point> points;
  std::string_view rest = variable;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    points.push_back(ParsePoint(rest.substr(0, comma)));
    rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
  }
  const auto count = points.size();
  g_armed = new Armed{std::move(points), SharedArray<std::atomic<std::uint64_t>>(count)};
}

bool PassFailpoint(const char* name) {
  if (g_armed == nullptr) return false;
  bool skip = false;
  for (std::size_t i = 0; i < g_armed->points.size(); ++i) {
    const Point& point = g_armed->points[i];
    if (point.name != name) continue;
    const std::uint64_t pass = g_armed->passes[i].fetch_add(1) + 1;
    if (!IsDue(point, pass)) continue;
    if (point.signal == kSkip) {
      skip = true;
      continue;
    }
    if (point.gate != nullptr && point.signal == SIGSTOP) {
      point.gate->Wait();
      continue;
    }
    if (point.signal == SIGSEGV) LetCrash();
    ::kill(::getpid(), point.signal);
  }
  return skip;
}

void PassStorePoint(const char*, const void*) {}

}  // namespace hydrapool::sys
