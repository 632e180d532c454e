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

}  // namespace

std::string LiveText(const Progress& progress) {
  const double part =
      progress.duration > 0
          ? std::clamp(static_cast<double>(progress.elapsed) / static_cast<double>(progress.duration), 0.0,
                       1.0)
          : 1.0;
  const auto done = static_cast<std::size_t>(part * kBar);
  std::string text = fmt::format("  run      [{:<{}}] {:.1f} of {:.1f} s\n", std::string(done, '='), kBar,
                                 sys::ToSeconds(progress.elapsed), sys::ToSeconds(progress.duration));
  text += fmt::format("  workers  {}\n", ServerText(progress.server));
  text += fmt::format("  faults   {} landed, {} missed{}{}\n", progress.landed, progress.missed,
                      progress.last_fault.empty() ? "" : "; the last: ", progress.last_fault);
  const std::string budget = progress.allowed ? fmt::format(" of {} allowed", *progress.allowed) : "";
  return text + fmt::format("  failed   {} requests{}\n", progress.failed, budget);
}

}  // namespace hydrapool::harness
