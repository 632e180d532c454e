// A request that is about to be executed goes to a less busy worker (pool/shared/dispatcher.h says when).
#include "pool/shared/dispatcher.h"
#include "pool/worker/leased_connection.h"

namespace hydrapool {

bool LeasedConnection::BetterElsewhere() const {
  const Doorbell& bell = desk_.link.bell();
  const RequestToExecute request = {
      .balance = desk_.options.balance,
      .others = desk_.life.busy.load(std::memory_order_relaxed) - 1,
      .interim_sent = interims_.count > 0,
      .passed_on = passed_on(),
      .parent_awake_for = bell.parent_sleeps.load() != 0 ? 0 : desk_.loop.now() - bell.parent_woke.load()};
  return MayBePassedOn(request) &&
         hydrapool::BetterElsewhere(request.others, desk_.internals.scoreboard->FewestInHand());
}

// Nothing of it has been taken: the parent lends the connection to the least busy worker, which looks at the
// request again.
LeasedConnection::Next LeasedConnection::PassOn() {
  TellPassedOn();
  hand_.detail.first_look.store(hand_.since, std::memory_order_relaxed);
  hand_.detail.passed_on.store(hand_.request, std::memory_order_relaxed);
  hand_.machine.GoIdle();
  GiveBack();
  return Next::kWait;
}

void LeasedConnection::TellPassedOn() {
  AnswerWatcher* const watcher = desk_.internals.watcher;
  if (watcher != nullptr && docket().open()) watcher->OnPassedOn(*this);
}

}  // namespace hydrapool
