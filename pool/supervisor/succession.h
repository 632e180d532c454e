#pragma once

#include <signal.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pool/sys/unique_fd.h"

namespace hydrapool {

/// How a program is followed by itself, started anew, or by a newer one: in the same process, over the pool
/// that lives on. All connections stay open, for the program that follows inherits every descriptor; what it
/// must know of them lies in shared memory (sys/shared_heap.h).
///
///     const pid_t trial = succession.StartTrial(succession.upgrade());  // would it follow? 0: it would
///     succession.Execute(succession.upgrade(), audit.Since());          // returns only where that failed
class Succession {
 public:
  /// The numbers handed over, in shared memory.
  struct Handed {
    std::uint32_t count;
    std::array<int, std::size_t{1} << 21> numbers;
  };

  /// `arguments`: as main got them.
  Succession(std::vector<std::string> arguments, Handed& handed);

  /// The program that runs.
  [[nodiscard]] static std::string Itself() { return "/proc/self/exe"; }
  /// What the first argument names today. Empty: there is no such program.
  [[nodiscard]] std::string Upgrade() const;
  /// The one that this program was an upgrade of; to go back to. Empty: it was none.
  [[nodiscard]] std::string Before() const;

  /// A child that executes `program`, which finds out whether it could follow, and ends with 0 if so. -1: the
  /// system refuses.
  [[nodiscard]] pid_t StartTrial(const std::string& program) const;
  /// For Execute of an upgrade: it can go back to this program.
  void LeaveWayBack();
  /// In the last process that needs this program. Returns errno where the system refuses; nothing has changed
  /// then. Signals that a supervisor waits for are blocked from here on, also in the program that follows.
  int Execute(const std::string& program, std::span<const int> descriptors) const;
  /// In a process that shared the table of descriptors with one that has executed it: nothing survives an
  /// exec any more.
  void TakeBack(std::span<const int> descriptors) const;

  /// In the program that follows: its process is called as the program is, and not "exe".
  void TakeName() const;
  /// And: the numbers that were handed over.
  [[nodiscard]] std::vector<int> TakeHanded() const;

  /// What a supervisor waits for.
  static sigset_t Signals();

 private:
  [[nodiscard]] std::vector<char*> Arguments() const;

  std::vector<std::string> arguments_;
  sys::UniqueFd self_;
  sys::UniqueFd before_;
  bool way_back_ = false;
  Handed& handed_;
};

}  // namespace hydrapool
