#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "harness/observe/bell.h"
#include "harness/observe/timeline.h"
#include "pool/sys/clock.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::harness {

/// The children of a server's main process and parent, looked at again and again at little cost: a child that
/// lives is held by its pidfd, so its number is nobody else's and nothing of it needs to be read again; what
/// a look reads is the lists of children alone.
///
///     FamilyWatch watch;
///     FamilySample sample = watch.Look(main, parent);
///     const auto woken = watch.Await(bell, pause);   // by an end or a reaping, by the bell, or by neither
///
/// A list may miss a child while another one is exiting (proc(5)). One thread.
class FamilyWatch {
 public:
  FamilyWatch();

  [[nodiscard]] FamilySample Look(pid_t main, pid_t parent);
  struct Woken {
    bool rung = false;
    std::vector<pid_t> ended = {};   ///< Of those that the last look showed, and the main process.
    std::vector<pid_t> reaped = {};  ///< Likewise; only where the kernel tells (Linux 6.9).
  };
  /// The end of that child wakes nobody; the next look shows it.
  void Disregard(pid_t pid);
  /// It wakes again.
  void Regard(pid_t pid);
  /// Waits for one of these until `pause` is over.
  [[nodiscard]] Woken Await(const Bell& bell, sys::Nanos pause);

  /// Of the last look.
  [[nodiscard]] std::size_t living() const { return living_; }
  [[nodiscard]] bool has_dead() const { return dead_ > 0; }
  /// By that look, and by the ends since that Await has told of: the main process too, and without those
  /// whose end wakes nobody.
  [[nodiscard]] std::vector<Identity> Living() const;
  /// Await would tell of something. From any thread.
  [[nodiscard]] bool HasNews() const;
  [[nodiscard]] std::size_t newcomers() const { return newcomers_; }  ///< The one before has not shown them.

 private:
  struct Member {
    Identity identity;
    sys::UniqueFd pidfd = {};  ///< None: it is read again at each look.
    bool dead = false;
    bool here = false;  ///< The current look has shown it.
    bool quiet = false;
  };
  /// The open lists of a process's children, one for each of its threads.
  struct Lists {
    std::vector<sys::UniqueFd> files = {};
    sys::Nanos opened = 0;
    sys::Nanos counted = 0;  ///< When it was looked whether it has still as many threads.
  };
  [[nodiscard]] std::vector<pid_t> ChildrenOf(pid_t parent);
  [[nodiscard]] static bool Read(const Lists& lists, std::vector<pid_t>& children);
  void Take(pid_t pid, pid_t parent, FamilySample& sample);
  void WatchMain(pid_t main);
  static void AwaitEnd(const sys::UniqueFd& epoll, int pidfd, pid_t pid);
  void Move(pid_t pid, bool quiet);
  void NoteQuietEnds();

  sys::UniqueFd epoll_;
  sys::UniqueFd quiet_;  ///< Those that wake nobody.
  pid_t main_pid_ = 0;
  Member main_;
  std::map<pid_t, Member> members_;
  std::map<pid_t, Lists> lists_;
  std::size_t living_ = 0;
  std::size_t dead_ = 0;
  std::size_t newcomers_ = 0;
};

}  // namespace hydrapool::harness
