#include "harness/report/live_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace hydrapool::harness {
namespace {

constexpr std::size_t kMostWorkers = 12;
constexpr int kBar = 30;

std::string WorkerText(const ProcessView& worker) {
  const std::string slot = worker.slot ? fmt::format("{}:", *worker.slot) : "";
  return fmt::format("{}{}{}{}", slot, worker.identity.pid, worker.busy > 0 ? "*" : "",
                     worker.leaving ? " leaves" : "");
}

std::string ServerText(const ServerProcesses& server) {
  if (server.workers.empty()) return "no worker is there";
  std::string text;
  for (std::size_t i = 0; i < std::min(server.workers.size(), kMostWorkers); ++i)
    text += (i > 0 ? "  " : "") + WorkerText(server.workers[i]);
  if (server.workers.size() > kMostWorkers)
    text += fmt::format("  and {} more", server.workers.size() - kMostWorkers);
  if (server.parent) text += fmt::format("  (parent {})", server.parent->identity.pid);
  return text;
}

std::string FailedText(const Progress& progress) {
  const auto count = [&progress](FailureKind kind) {
    const auto found = progress.failed.find(kind);
    return found == progress.failed.end() ? 0 : found->second;
  };
  const std::string budget = progress.allowed ? fmt::format(" of {} allowed", *progress.allowed) : "";
  return fmt::format("{} lost, {} cut{}; {} abandoned, {} refused", count(FailureKind::kLost),
                     count(FailureKind::kCut), budget, count(FailureKind::kAbandoned),
                     count(FailureKind::kRefused));
}

/// Of ASCII.
std::string Cut(const std::string& line, std::size_t columns) {
  return (line.size() <= columns ? line : line.substr(0, columns - 1) + "…") + "\n";
}

}  // namespace

std::string LiveText(const Progress& progress, std::size_t columns) {
  const double part =
      progress.duration > 0
          ? std::clamp(static_cast<double>(progress.elapsed) / static_cast<double>(progress.duration), 0.0,
                       1.0)
          : 1.0;
  const auto done = static_cast<std::size_t>(part * kBar);
  const std::string run = fmt::format("  run      [{:<{}}] {:.1f} of {:.1f} s", std::string(done, '='), kBar,
                                      sys::ToSeconds(progress.elapsed), sys::ToSeconds(progress.duration));
  const std::string faults =
      fmt::format("  faults   {} landed, {} missed{}{}", progress.landed, progress.missed,
                  progress.last_fault.empty() ? "" : "; the last: ", progress.last_fault);
  return Cut(run, columns) + Cut("  workers  " + ServerText(progress.server), columns) +
         Cut(faults, columns) + Cut("  failed   " + FailedText(progress), columns);
}

}  // namespace hydrapool::harness
