#pragma once

#include <vector>

#include "pool/sys/unique_fd.h"

namespace hydrapool {

/// What a dead parent has left open in the table of descriptors that it shared with the supervisor.
///
///     DescriptorAudit audit(highest, handed);            // in the supervisor, before the first parent
///     for (UniqueFd& fd : audit.Unknown(noted)) …        // in each parent, before it opens anything
///
/// What was open at the beginning stays; what a record names is known; all else is handed out, to be adopted
/// or closed: what was opened and not noted yet, and what only the dead one's own loop had to do with.
class DescriptorAudit {
 public:
  /// Makes the table large enough for `most` descriptors: once it is shared, growing it takes the kernel tens
  /// of milliseconds (it waits for RCU).
  /// `handed`: what parents have opened for the program before this one.
  explicit DescriptorAudit(int most, std::vector<int> handed = {});

  [[nodiscard]] std::vector<sys::UniqueFd> Unknown(std::vector<int> noted) const;
  /// The numbers of all that was opened since the beginning and is open now.
  [[nodiscard]] std::vector<int> Since() const;

 private:
  std::vector<int> open_at_first_;  // sorted
};

}  // namespace hydrapool
