#include "pool/cgi/program_start.h"

#include <array>
#include <string>

#include "pool/sys/oom_score.h"
#include "pool/worker/request_process.h"

namespace hydrapool::cgi {
namespace {

constexpr int kProgramOomScore = 250;  // above its worker's

bool MayExec(void* context, pid_t self) {
  const auto* gate = static_cast<const LaunchGate*>(context);
  if (!ProcessPlaces::Occupy(*gate->place, gate->claimant, self)) return false;
  gate->bodies->Occupy(gate->lease, self);
  return PassGate(*gate->detail, gate->preparer, self);
}

void ExecFailed(void* context, int error) {
  hydrapool::ExecFailed(*static_cast<const LaunchGate*>(context)->detail, error);
}

}  // namespace

SpawnGate LaunchGate::Gate() { return {&MayExec, &ExecFailed, this}; }

void RaiseOomScore(pid_t program, int pidfd, int score) {
  sys::SetOomScore(program, pidfd, score + kProgramOomScore);
}

sys::Result<Spawned> StartProgram(const ProgramStart& start) {
  const Script& script = start.script;
  const bool interpreted = !script.interpreter.empty();
  const std::string& program = interpreted ? script.interpreter : script.file;
  std::array<char*, 3> argv{const_cast<char*>(program.c_str()),
                            interpreted ? const_cast<char*>(script.absolute_path.c_str()) : nullptr, nullptr};
  auto spawned = Spawn({.directory_fd = script.directory.get(),
                        .program = program,
                        .argv = argv.data(),
                        .envp = start.envp,
                        .stdin_fd = start.input,
                        .stdout_fd = start.output,
                        .stderr_fd = start.errors,
                        .cgroup = start.cgroup,
                        .expected_parent = start.expected_parent,
                        .lifeline = start.lifeline,
                        .own_descriptors = start.own_descriptors,
                        .limits = start.limits,
                        .ignored = start.ignored,
                        .gate = start.gate,
                        .clone_parent = start.clone_parent,
                        .no_new_privs = !start.set_id});
  if (spawned && spawned->start == Spawned::Start::kExecuted && start.oom_score)
    RaiseOomScore(spawned->pid, spawned->pidfd.get(), *start.oom_score);
  return spawned;
}

}  // namespace hydrapool::cgi
