#include "pool/parent/coroner.h"

#include <fmt/format.h>
#include <signal.h>

#include <numeric>

#include "pool/sys/file.h"
#include "pool/sys/log.h"

namespace hydrapool {
namespace {

constexpr std::uint32_t kLinesAtOnce = 20;
constexpr sys::Nanos kLineEach = sys::kSecond / 2;

void Append(std::string& text, std::string_view separator, std::string_view more) {
  if (!text.empty()) text += separator;
  text += more;
}

// The kernel's name for it: the first 15 bytes of its file's; it stands until the process is reaped.
std::string NameOf(pid_t pid) {
  std::string name = sys::ReadFile(fmt::format("/proc/{}/comm", pid));
  if (name.ends_with('\n')) name.pop_back();
  return name;
}

std::string HowItEnded(std::string_view cause, const sys::ExitStatus& status) {
  if (cause == "stall") return "killed as it did not come round";
  if (cause == "out_of_memory") return "killed by the kernel: out of memory";
  return status.signal != 0 ? "ended by " + status.Describe() : fmt::format("exited with {}", status.code);
}

}  // namespace

Toll Toll::Of(const PoolCounts& counts) {
  Toll toll;
  for (std::size_t i = 0; i < toll.rescued.size(); ++i) {
    toll.rescued[i] = counts.rescued[i].value();
    toll.lost += counts.lost[i].value();
  }
  toll.cut = counts.cut.value();
  toll.given_up = counts.abandoned.value() + counts.poison.value();
  return toll;
}

Toll Toll::Since(const Toll& before) const {
  Toll toll{.lost = lost - before.lost, .cut = cut - before.cut, .given_up = given_up - before.given_up};
  for (std::size_t i = 0; i < rescued.size(); ++i) toll.rescued[i] = rescued[i] - before.rescued[i];
  return toll;
}

std::uint64_t Toll::carried() const {
  return std::accumulate(rescued.begin(), rescued.end(), std::uint64_t{0});
}

std::string Toll::Describe() const {
  std::string carried;
  for (std::size_t i = 0; i < rescued.size(); ++i) {
    if (rescued[i] > 0) Append(carried, ", ", fmt::format("{} {}", rescued[i], kPhaseNames[i]));
  }
  std::string text = carried.empty() ? "" : "carried on: " + carried;
  if (lost > 0) Append(text, "; ", fmt::format("{} lost", lost));
  if (cut > 0) Append(text, "; ", fmt::format("{} cut", cut));
  if (given_up > 0) Append(text, "; ", fmt::format("{} answered with 502", given_up));
  return text.empty() ? "it held nothing" : text;
}

Coroner::Coroner(PoolCounts& counts, VitalSigns& signs, DeathJournal& journal)
    : counts_(counts), signs_(signs), journal_(journal), limit_(kLinesAtOnce, kLineEach) {}

bool Coroner::WasOutOfMemory(const sys::ExitStatus& status) {
  return status.signal == SIGKILL && oom_kills_ && oom_kills_->ExplainsOne();
}

std::size_t Coroner::JudgeWorker(const WorkerLife& life, const sys::ExitStatus& status) {
  std::size_t cause = ExitCause(status.signal, status.code);
  if (life.vitality == Vitality::kStalled) {
    cause = StallCause();
  } else if (WasOutOfMemory(status)) {
    cause = OutOfMemoryCause();
  }
  counts_.exits[cause].Add();
  return cause;
}

void Coroner::TellWorker(const WorkerLife& life, std::size_t cause, const sys::ExitStatus& status,
                         const Toll& toll) {
  const sys::Nanos now = sys::Now();
  journal_.Add({.at = now,
                .lived = now - life.started_at,
                .slot = life.slot,
                .pid = life.pid,
                .cause = static_cast<std::uint32_t>(cause),
                .carried = static_cast<std::uint32_t>(toll.carried()),
                .harmed = static_cast<std::uint32_t>(toll.harmed())});
  if (!limit_.Take(now)) return;
  const std::string line = fmt::format("worker {} (pid {}) {} after {:.1f} s; {}", life.slot, life.pid.load(),
                                       HowItEnded(kExitCauses[cause], status),
                                       sys::ToSeconds(now - life.started_at), toll.Describe());
  status.clean() ? sys::log::Info("{}", line) : sys::log::Warn("{}", line);
}

void Coroner::NoteProgram(pid_t pid, const sys::ExitStatus& status, bool by_pool) {
  const bool may_be_told = status.signal != 0;  // its name is a file to be read
  program_ = {
      .pid = pid, .status = status, .by_pool = by_pool, .name = may_be_told ? NameOf(pid) : std::string()};
}

void Coroner::JudgeProgram(const ProcessPlaces::Freed& freed) {
  using What = ProcessPlaces::Freed::What;
  if (freed.what == What::kNothing) {  // what a program has left running
    static_cast<void>(WasOutOfMemory(program_.status));
    return;
  }
  signs_.program_seconds[freed.part].Observe(sys::Now() - freed.begun);
  EndedBy by = EndedBy::kItself;
  if (freed.what == What::kPlaceOfTimedOut) {
    by = EndedBy::kTimeout;
  } else if (program_.by_pool) {
    by = EndedBy::kPool;
  } else if (WasOutOfMemory(program_.status) || (freed.out_of_memory && program_.status.signal == SIGKILL)) {
    by = EndedBy::kOutOfMemory;
  }
  const std::size_t cause = ProgramEnd(program_.status, by);
  signs_.program_ends[cause].Add();
  const bool of_itself = by == EndedBy::kItself && program_.status.signal == 0;
  if (of_itself || by == EndedBy::kPool || by == EndedBy::kTimeout || !limit_.Take(sys::Now())) return;
  sys::log::Warn("CGI program {} (pid {}) {}", program_.name, program_.pid,
                 HowItEnded(kProgramEnds[cause], program_.status));
}

void Coroner::Tick() {
  if (oom_kills_) {
    oom_kills_->Age();
  } else {
    oom_kills_.emplace(sys::OomKillFile(), signs_.oom_kills);
  }
  if (const std::uint64_t missed = limit_.TakeMissed())
    sys::log::Warn("{} more workers or CGI programs ended and were not told of one by one", missed);
}

}  // namespace hydrapool
