#include "harness/fault/trap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "harness/fault/process_tree.h"
#include "pool/sys/child.h"

namespace hydrapool::harness {
namespace {

/// Between the pass that a process takes and its stop; what takes longer has been ended by another fault.
constexpr sys::Nanos kToStop = sys::kSecond;

const char* PointOf(Phase phase) {
  switch (phase) {
    case Phase::kReading:
      return "worker.peeked";
    case Phase::kExecuting:
      return "cgi.spawned";
    case Phase::kResponding:
      return "worker.sent";
    case Phase::kIdle:
      break;
  }
  std::abort();
}

sys::FailpointGate* MakeGate(const std::string& path) {
  const sys::UniqueFd file(
      sys::Check(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), path.c_str()));
  sys::Check(::ftruncate(file.get(), sizeof(sys::FailpointGate)), path.c_str());
  const auto gate = sys::MapFailpointGate(path.c_str());
  if (!gate) sys::ThrowErrno(gate.error().code, path);
  return *gate;
}

}  // namespace

Trap::Trap(Phase phase, std::string path) : phase_(phase), path_(std::move(path)), gate_(MakeGate(path_)) {}

std::string Trap::setting() const { return std::string(PointOf(phase_)) + "=stop@" + path_; }

void Trap::Set() {
  Clear();
  unset_.reset();
  gate_->struck = 0;
  gate_->passes = 1;
}

std::optional<pid_t> Trap::Caught() {
  const auto pid = static_cast<pid_t>(gate_->struck.load());
  if (pid == 0) return std::nullopt;
  caught_ = sys::OpenPidfd(pid);
  const auto process = ReadProcess(pid);
  if (!caught_ || !process || process->state != 'T') return std::nullopt;
  return pid;
}

bool Trap::Unset(sys::Nanos now) {
  if (gate_->passes.exchange(0) > 0) return true;
  if (!unset_) unset_ = now;
  return now - *unset_ > kToStop;
}

void Trap::Release(bool goes_on) {
  if (caught_ && goes_on) sys::SignalPidfd(caught_.get(), SIGCONT);
  caught_.Reset();
  gate_->struck = 0;
}

void Trap::Clear() {
  gate_->passes = 0;
  if (Caught()) Release();
}

Undo Trap::undo(const Identity& main) const {
  Undo undo{.kind = Undo::Kind::kTrap, .victim = main};
  return Undo::Note(path_, undo.path) ? undo : Undo{};
}

bool OpenTrap(const std::string& path, const Identity& main) {
  const auto gate = sys::MapFailpointGate(path.c_str());
  if (!gate) return true;
  (*gate)->passes = 0;
  const auto pid = static_cast<pid_t>((*gate)->struck.load());
  if (pid == 0) return true;
  const auto pidfd = sys::OpenPidfd(pid);
  const auto process = ReadProcess(pid);
  if (!pidfd || !process || !process->alive()) return true;
  const bool is_caught = process->state == 'T' && IsOf(*process, main.pid);
  return is_caught && sys::SignalPidfd(pidfd.get(), SIGCONT);
}

}  // namespace hydrapool::harness
