#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/fault/fault.h"
#include "harness/fault/guard.h"
#include "harness/fault/network_harm.h"
#include "harness/fault/targets.h"
#include "harness/fault/undo.h"
#include "harness/fault/victim_group.h"
#include "pool/sys/child.h"
#include "pool/sys/clock.h"
#include "pool/sys/error.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::harness {

/// Whom an injector may hurt, and how many of them.
struct InjectLimits {
  bool any_user = false;                   ///< Root may hurt processes of other users.
  std::size_t min_alive = 0;               ///< No fault that would leave fewer workers alone.
  std::optional<std::uint64_t> most = {};  ///< Blows in all.
};

/// What a fault needs to know beside its victim.
struct Harm {
  std::optional<NetworkHarm> network = {};  ///< What `network` does.
  int port = 0;                             ///< The server's, to whose packets.
  std::string disk = {};                    ///< The directory whose file system `full-disk` fills.
};

/// A fault that was done to a process: what is needed to see what became of it, and to take it back.
struct Blow {
  Fault fault = Fault::kKill;
  Identity victim = {};
  sys::UniqueFd pidfd = {};  ///< Readable when the victim is dead.
  sys::Nanos sent = 0;
  bool ignored = false;  ///< The signal was one that the victim ignores.
  Harm harm = {};
  std::vector<int> ended_ports = {};  ///< Of clients whose connections it has ended itself.
  Undo undo = {};
  std::optional<std::uint64_t> guarded = {};  ///< The guard's number for it.
  sys::Child helper = {};                     ///< The process that spins, or the server's own command.
};

/// A server's own commands for what renews it: `nginx -s reload`.
using Commands = std::map<Fault, std::vector<std::string>>;

/// Why such a fault needs a command of the server's own that it has not; nullopt: it needs none. Pure.
[[nodiscard]] std::optional<std::string> WhyNoCommand(Fault fault, const Commands& commands,
                                                      bool is_hydrapool);

/// Does faults to the processes of one server, and to no other process: the main one, which signals for the
/// whole server go to, its children and theirs.
///
///     Injector injector(main, {.min_alive = 1});
///     auto blow = injector.Strike(worker.identity, Fault::kStop);
///     if (!blow) return blow.error().message;
///     … injector.Holds(*blow) …          // it stands still
///     injector.TakeBack(*blow);
///
/// The pidfd is opened first; then the process that it stands for is checked, so that no number can be handed
/// on between the check and the fault (pidfd_send_signal(2)). Refused, with an Error that says why: a pid of
/// 1 or less, this process and its ancestors, a process whose start time is not the one that was seen, one
/// that is dead, one of another user (unless root may), and whatever is not of the server.
///
/// A server whose parent takes the place of its supervisor has another main process then: Follow(), before
/// each fault, takes only one for it that was of the server before.
///
/// A fault that holds is known to a guard process before it is done (guard.h). One thread.
class Injector {
 public:
  explicit Injector(pid_t main, const InjectLimits& limits = {}, Commands commands = {});

  /// Starts the guard, which else starts with the first fault that holds: before any thread is started.
  void StartGuard();

  [[nodiscard]] pid_t main() const { return main_.pid; }
  /// 0: none has been started.
  [[nodiscard]] pid_t guard_pid() const { return guard_ ? guard_->pid() : 0; }
  /// `now` is how the server is by now. Why it is not the one that it was, in words; nullopt: it is.
  [[nodiscard]] std::optional<std::string> Follow(const ServerProcesses& now);
  /// `server` without its parent and supervisor where only one of the two is left for now: no server outlives
  /// both.
  [[nodiscard]] ServerProcesses WithoutLastHead(ServerProcesses server) const;
  /// Those of `workers` that were not asked to leave, killed or held already.
  [[nodiscard]] std::vector<ProcessView> Unhurt(const std::vector<ProcessView>& workers) const;
  /// Why `victims` of `unhurt` workers are too many for this fault; nullopt: they are not.
  [[nodiscard]] std::optional<std::string> WhyTooMany(Fault fault, std::size_t victims,
                                                      std::size_t unhurt) const;
  /// As many blows as are allowed have been dealt.
  [[nodiscard]] bool spent() const { return limits_.most && blows_ >= *limits_.most; }

  /// `victim` of a fault of the whole server: the main process.
  [[nodiscard]] sys::Result<Blow> Strike(const Identity& victim, Fault fault, const Harm& harm = {});
  /// Whether a fault that is held is seen to hold; of `oom`: the OOM killer has struck. nullopt: there is
  /// nothing to be seen of it yet.
  [[nodiscard]] static std::optional<bool> Holds(const Blow& blow);
  /// Takes back what is held; true: the victim is as it was, or gone, and the next time does nothing. Else
  /// the guard keeps it in mind, and the next time tries again.
  bool TakeBack(Blow& blow);
  /// The guard takes this back, too, if this process ends before Forget().
  [[nodiscard]] std::uint64_t Remember(const Undo& undo);
  void Forget(std::uint64_t remembered);

 private:
  using Key = std::pair<pid_t, std::uint64_t>;
  [[nodiscard]] std::optional<std::string> WhyNot(const Identity& victim) const;
  sys::Result<void> Hold(Blow& blow);
  sys::Result<void> HoldLimit(Blow& blow, int resource, std::optional<std::uint64_t> in_use);
  sys::Result<void> HoldCore(Blow& blow);
  sys::Result<void> HoldNetwork(Blow& blow);
  sys::Result<void> HoldDisk(Blow& blow);
  sys::Result<void> HoldProcesses(Blow& blow);
  sys::Result<void> HoldInGroup(Blow& blow, const VictimGroup& group);
  void Remember(Blow& blow, const Undo& undo);
  /// What nobody else calls a harm of network or disk.
  [[nodiscard]] std::string NextToken();

  std::vector<pid_t> ours_;  ///< This process and its ancestors.
  Identity main_;
  Identity parent_;          ///< As main_ where that has no supervisor.
  bool supervised_ = false;  ///< There were two of them.
  InjectLimits limits_;
  Commands commands_;
  std::unique_ptr<Guard> guard_;
  std::set<Key> hurt_;
  std::uint64_t blows_ = 0;
  int harms_ = 0;  ///< Of network and disk.
};

/// Why this user may not hurt `pid`, which is another's; nullopt: it may. In words that say what would help.
[[nodiscard]] std::optional<std::string> WhyAnotherUsers(pid_t pid, bool any_user);

}  // namespace hydrapool::harness
