#include "pool/cgi/place_waiter.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "pool/cgi/body_file.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/failpoint.h"
#include "pool/worker/request_process.h"
#include "pool/worker/worker_desk.h"

namespace hydrapool::cgi {

bool WholeBody(std::string_view bytes, Body& body) {
  sys::UniqueFd file = MemoryFile();
  if (!file || !WriteAt(file.get(), bytes, 0)) return false;
  body = {.file = file.get(), .length = bytes.size(), .own = std::move(file)};
  return true;
}

PlaceWaiter::PlaceWaiter(Exchange& exchange, Launcher& launcher, Body body, const PlaceRules& rules,
                         sys::Nanos patience)
    : exchange_(exchange), launcher_(launcher), body_(std::move(body)), rules_(rules) {
  exchange.SetDeadline(exchange.process().turn().since() + patience);
  look_again_ = exchange.At(0, [this] { Look(); });
}

// A long line would cost more the longer it is: each look counts all that wait.
sys::Nanos PlaceWaiter::LookAgainIn(std::size_t turns_before, std::size_t limit) {
  constexpr std::size_t kMost = 50;
  return kLookAgain *
         static_cast<sys::Nanos>(1 + std::min(turns_before / std::max<std::size_t>(limit, 1), kMost));
}

void PlaceWaiter::Look() {
  if (over_) return;
  HYDRAPOOL_FAILPOINT("cgi.waits_for_a_place");
  const ProcessTurn& turn = exchange_.process().turn();
  if (turn.client_finished()) return Refuse("its client has left while it waited");
  if (const std::size_t before = turn.TurnsBefore(rules_); before > 0) {
    look_again_ = exchange_.At(sys::Now() + LookAgainIn(before, rules_.Least()), [this] { Look(); });
    return;
  }
  over_ = true;
  look_again_.Reset();
  Begun begun = launcher_.LaunchAgain(exchange_, std::move(body_));
  if (auto* reply = std::get_if<Reply>(&begun)) {
    exchange_.Answer(std::move(*reply));
  } else {
    exchange_.Become(std::move(std::get<std::unique_ptr<Execution>>(begun)));
  }
}

void PlaceWaiter::OnDeadline() {
  if (over_) return;
  exchange_.connection().worker().internals.board.gave_up_waiting.Add();
  Refuse("no place for the program in time");
}

void PlaceWaiter::Refuse(std::string_view why) {
  over_ = true;
  look_again_.Reset();
  exchange_.Answer(launcher_.RefusePlace(exchange_, why));
}

}  // namespace hydrapool::cgi
