// One parent after another, and one program after another.
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "pool/parent/parent.h"
#include "pool/supervisor/supervisor.h"
#include "pool/sys/child.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/inheritance.h"
#include "pool/sys/kill.h"
#include "pool/sys/log.h"
#include "pool/sys/tcp_counters.h"

namespace hydrapool {

// Those of the program before that this one does not want are retired.
void Pool::Parent::HoldListeners(std::vector<sys::UniqueFd> listeners) {
  std::vector<int> retired;
  for (sys::UniqueFd& fd : sys::inheritance::TakeListening()) {
    const auto is_it = [&fd](const std::atomic<int>& noted) { return noted == fd.get() + 1; };
    if (std::ranges::any_of(records.life[0].listeners, is_it)) retired.push_back(fd.Release());
  }
  listeners_.Hold(std::move(listeners));
  listeners_.Retire(retired);
  for (auto& noted : records.life[0].listeners) noted = 0;
  std::vector<int> held = listeners_.Numbers();
  held.insert(held.end(), retired.begin(), retired.end());
  for (std::size_t i = 0; i < std::min(held.size(), records.life[0].listeners.size()); ++i)
    records.life[0].listeners[i] = held[i] + 1;
}

int Pool::Parent::Supervise() {
  constexpr int kBesideConnections = 1024;
  std::vector<int> handed;
  if (estate_.found()) {
    oom_score_.Become(records.life[0].oom_score);
    estate_.succession()->TakeName();
    handed = estate_.succession()->TakeHanded();
  }
  records.life[0].oom_score = oom_score_.own();
  listeners_.AppendNoted(handed);
  audit_.emplace(static_cast<int>(options.max_connections) + kBesideConnections, std::move(handed));
  const int code = Supervisor(records.life[0], oom_score_,
                              {.parent = [this] { return Live(); },
                               .descriptors = [this] { return audit_->Since(); },
                               .most_workers = records.scoreboard.most_workers(),
                               .succession = estate_.succession()})
                       .Run();
  audit_->Unknown({}).clear();
  estate_.lifeline().CloseUpper();  // ends the workers that a parent given up has left
  return code;
}

// Nothing may be opened before all that the parent before has opened is known.
void Pool::Parent::TakeOver() {
  if (const auto slot = lending_.leases.quarantine.Judge(records.life[0].parent_crashed.exchange(false))) {
    sys::log::Error("two parents have crashed over connection {}: it is closed, and its place not used again",
                    *slot);
    lending_.rescuer.NoteLost(*slot);
    lending_.leases.keeper.Forget(*slot);
    lending_.leases.book.Shut(*slot);
  }
  lending_.leases.book.Adopt();
  lending_.leases.keeper.Adopt(Kinship(records.life[0]));
  lending_.seats.Adopt();
  if (records.life[0].closing) listeners_.FinishClose();
  std::vector<int> noted;
  lending_.leases.book.AppendNoted(noted);
  lending_.leases.keeper.AppendNoted(noted);
  lending_.seats.AppendNoted(noted);
  listeners_.AppendNoted(noted);
  std::vector<sys::UniqueFd> newcomers = audit_->Unknown(noted);
  std::erase_if(newcomers, [this](const sys::UniqueFd& fd) { return !listeners_.HasAccepted(fd.get()); });
  loop.Reopen();
  lending_.leases.keeper.Resume();
  crew_.Adopt();
  for (sys::UniqueFd& newcomer : newcomers) {
    const bool counted = sys::KernelCounts(newcomer.get());
    LetIn(std::move(newcomer), counted);
  }
}

// It becomes the supervisor: by executing the program anew, for what this process has in memory is a
// parent's. Where that cannot be it serves on without one, and is told to end itself.
void Pool::Parent::NoticeOrphanhood() {
  constexpr int kTries = 2;  // one that is killed on the way is no program that cannot start
  PoolLife& life = records.life[0];
  if (life.supervisor == 0 || ::getppid() == life.supervisor) return;
  std::string why = "nothing can follow it";
  if (estate_.succession() && life.stage == PoolStage::kServing) {
    life.serves = false;
    life.orphans = true;
    why = "the program does not start any more";
    bool goes_on = true;
    for (int tries = 0; goes_on && tries < kTries; ++tries) {
      sys::log::Warn("the supervisor has ended: process {} takes its place", ::getpid());
      goes_on = StandIn();
      if (goes_on) continue;
      HYDRAPOOL_FAILPOINT("parent.succeeds");
      why = Succeed();
    }
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    life.serves = true;
  }
  sys::log::Error("the supervisor has ended: serving on without one, as process {} ({})", ::getpid(), why);
  life.supervisor = 0;
  life.orphans = true;
  life.parent = ::getpid();
  records.scoreboard.counts().parent = records.scoreboard.counts().main_process = ::getpid();
  report_.TellAgain();
}

// Returns only where that fails: why.
std::string Pool::Parent::Succeed() {
  return std::generic_category().message(
      estate_.succession()->Execute(Succession::Itself(), audit_->Since()));
}

// While the program starts anew, which takes it ten milliseconds or more and can fail, this process would be
// the pool's only one. So a second one holds all that it holds until there is a parent again that serves.
//
// False: this is the one to execute the program. True: this is the second one, the first has died, and
// nothing has been changed by a new program. Where something has, it executes the program itself.
bool Pool::Parent::StandIn() {
  constexpr sys::Nanos kLongest = 10 * sys::kSecond;
  PoolLife& life = records.life[0];
  const std::uint32_t program = life.program;
  const pid_t first = ::getpid();
  life.parent = first;
  if (sys::CloneWithDescriptors() != 0) return false;
  for (const sys::Nanos late = sys::Now() + kLongest; ::getppid() == first;) {
    if (life.serves || life.parent != first) ::_exit(0);  // there are two again
    if (sys::Now() > late) sys::Kill(first, SIGKILL);     // it does not come up
    const timespec moment{0, 200'000};
    ::nanosleep(&moment, nullptr);
  }
  if (life.serves || life.parent != first) ::_exit(0);
  estate_.succession()->TakeBack(audit_->Since());
  if (life.program == program) return true;
  life.parent = ::getpid();
  sys::log::Error("process {} cannot take the pool's place: {}", ::getpid(), Succeed());
  ::_exit(1);
}

// Another program takes over, and ends this process. Should it fail, all goes on as before.
void Pool::Parent::Pause() {
  constexpr sys::Nanos kLongest = 10 * sys::kSecond;
  PoolLife& life = records.life[0];
  const sys::Nanos late = sys::Now() + kLongest;
  for (life.pauses = true; life.handover == Handover::kAsked && ::getppid() == life.supervisor;) {
    if (sys::Now() > late) sys::Kill(life.supervisor, SIGKILL);
    life.beat = sys::Now();
    const timespec moment{0, 100'000};
    ::nanosleep(&moment, nullptr);
  }
  life.pauses = false;
  Handover asked = Handover::kAsked;
  life.handover.compare_exchange_strong(asked, Handover::kNone);
  if (asked == Handover::kTaken) ::_exit(0);
}

}  // namespace hydrapool
