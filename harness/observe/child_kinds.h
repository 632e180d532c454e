#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/fault/process_tree.h"
#include "harness/observe/timeline.h"

namespace hydrapool::harness {

/// What the children of a server were, followed while they live: who has just been forked runs its parent's
/// program under its parent's title, and shows only later what it becomes.
///
///     ChildKinds kinds(main, ChildKinds::Told::kByTitle);
///     kinds.Look(sample, {main, parent});   // of each look at the children, in their order
///     kinds.KeepWorkers(samples);
///
/// A server may execute another program under its own pid, or make a parent of another one (an upgrade):
/// forks are those who run any of the programs that its main process and parent have been seen to run.
///
/// One thread.
class ChildKinds {
 public:
  /// What tells who is a worker: its title, which it may give itself late, or the server's own word, so that
  /// only programs are to be told apart here.
  enum class Told { kByTitle, kByStatus };
  ChildKinds(pid_t main, Told told);

  struct TurnedOut {
    std::vector<pid_t> programs = {};         ///< Each once.
    std::vector<pid_t> forks_after_all = {};  ///< They were called programs before.
  };
  TurnedOut Look(const FamilySample& sample, const std::vector<pid_t>& heads);
  /// The child that had this number last was seen to run another program than the server.
  [[nodiscard]] bool IsAProgram(pid_t pid) const;
  /// Leaves only workers in `samples`, and those that ended before they had a title of their own.
  void KeepWorkers(std::vector<FamilySample>& samples) const;

 private:
  using Key = std::pair<pid_t, std::uint64_t>;
  struct Seen {
    std::optional<Program> other = {};  ///< It runs another program than the server.
    std::string title = {};
    unsigned looks = 0;
  };
  void Look(pid_t child, Seen& seen, const std::vector<pid_t>& heads, TurnedOut& turned_out);
  [[nodiscard]] bool IsTheServers(const Program& program) const;
  void LookAtHeads(const std::vector<pid_t>& heads, TurnedOut& turned_out);

  Told told_;
  std::vector<Program> servers_;
  std::string servers_title_;  ///< Of the main process at first.
  std::map<Key, Seen> seen_;
  bool heads_looked_at_ = false;  ///< In this look.
};

}  // namespace hydrapool::harness
