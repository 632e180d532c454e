#include "pool/cgi/launch_waiter.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include "pool/worker/request_process.h"

namespace hydrapool::cgi {

LaunchWaiter::LaunchWaiter(Exchange& exchange, LaunchTaker& taker, sys::UniqueFd reply)
    : exchange_(exchange), taker_(taker), reply_(std::move(reply)) {
  watch_ = exchange_.Watch(reply_.get(), EPOLLIN, [this](std::uint32_t) { Look(); });
}

void LaunchWaiter::Look() {
  if (over_) return;
  int error = 0;
  const ssize_t count = ::read(reply_.get(), &error, sizeof error);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  const ProcessWord word = exchange_.process().state();
  if (word.state == ProcessWord::State::kFailed) error = word.value;
  if (word.answers() && word.state != ProcessWord::State::kFailed) {
    over_ = true;
    watch_.Reset();
    Begun begun = taker_.Launched(exchange_);
    return exchange_.Become(std::move(std::get<std::unique_ptr<Execution>>(begun)));
  }
  if (error == 0) return Refuse(503, "the launcher of its user has ended");
  const bool for_now = word.state != ProcessWord::State::kFailed && error == EAGAIN;
  Refuse(for_now ? 503 : 500, "the program cannot be executed: " + std::generic_category().message(error));
}

void LaunchWaiter::OnDeadline() {
  if (over_) return;
  exchange_.process().TimeOut();
  Refuse(504, "the launcher of its user did not start it in time");
}

void LaunchWaiter::Refuse(int status, std::string_view why) {
  over_ = true;
  watch_.Reset();
  exchange_.Answer(taker_.RefuseLaunch(exchange_, status, why));
}

}  // namespace hydrapool::cgi
