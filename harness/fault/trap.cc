#include "harness/fault/trap.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "harness/fault/process_tree.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::harness {
namespace {

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

std::optional<pid_t> Trap::Caught() {
  const pid_t pid = gate_->inside();
  if (pid == 0) return std::nullopt;
  const auto process = ReadProcess(pid);
  if (process && process->alive()) return pid;
  gate_->Free(pid);
  return std::nullopt;
}

Undo Trap::undo() const {
  Undo undo{.kind = Undo::Kind::kTrap};
  return Undo::Note(path_, undo.path) ? undo : Undo{};
}

void ClearTrap(const std::string& path) {
  if (const auto gate = sys::MapFailpointGate(path.c_str())) (*gate)->Close();
}

}  // namespace hydrapool::harness
