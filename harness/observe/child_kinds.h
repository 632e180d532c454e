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
///     ChildKinds kinds(parent, 64);
///     kinds.Look(sample);          // of each look at the children, in their order
///     kinds.KeepWorkers(samples);
///
/// One thread.
class ChildKinds {
 public:
  /// `last_look`: after so many looks a child is what it will be.
  ChildKinds(pid_t parent, unsigned last_look);

  /// Those that turned out to run another program than their parent, each once.
  std::vector<pid_t> Look(const FamilySample& sample);
  /// The child that had this number last was seen to run another program than its parent.
  [[nodiscard]] bool IsAProgram(pid_t pid) const;
  /// Leaves only workers in `samples`, and those that ended before they had a title of their own.
  void KeepWorkers(std::vector<FamilySample>& samples) const;

 private:
  using Key = std::pair<pid_t, std::uint64_t>;
  struct Seen {
    bool same_program = true;
    std::string title = {};
    unsigned looks = 0;
  };
  void Look(const Identity& child, Seen& seen) const;

  std::optional<Program> parents_;
  std::string parents_title_;
  unsigned last_look_;
  std::map<Key, Seen> seen_;
};

}  // namespace hydrapool::harness
