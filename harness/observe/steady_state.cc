#include "harness/observe/steady_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "harness/echo/echo_run.h"
#include "harness/fault/duration.h"
#include "pool/sys/socket.h"

namespace hydrapool::harness {
namespace {

constexpr sys::Nanos kBetweenRequests = 50 * sys::kMillisecond;
constexpr sys::Nanos kMostAtOnce = 32;

}  // namespace

SteadyState::SteadyState(sys::EventLoop& loop, EchoPlan plan, sys::Nanos within, OnBreach on_breach)
    : loop_(loop),
      plan_(std::move(plan)),
      within_(within),
      on_breach_(std::move(on_breach)),
      requests_({}, plan_.host, plan_.path),
      last_answer_(sys::Now()) {
  plan_.any_answer = true;
  plan_.requests = 1;
  plan_.ending = Ending::kOurClose;
  const auto at_once = std::clamp<sys::Nanos>(within_ / kBetweenRequests + 1, 2, kMostAtOnce);
  for (sys::Nanos i = 0; i < at_once; ++i) {
    connections_.push_back(std::make_unique<EchoConnection>(loop_, ledger_, requests_, plan_,
                                                            [this](EchoConnection&) { Look(); }));
  }
  Ask();
}

void SteadyState::Ask() {
  Look();
  const sys::Nanos now = sys::Now();
  if (due_ != 0 && now - due_ > kBetweenRequests) last_answer_ += now - due_;
  if (now - last_answer_ >= within_) {
    for (const auto& connection : connections_) connection->Abandon();
    const bool by_errors = ledger_.counts().refused_status > refused_;
    return on_breach_(fmt::format("no request was answered{} for {}", by_errors ? " but by an error" : "",
                                  DurationText(within_)));
  }
  EchoConnection& connection = *connections_[next_++ % connections_.size()];
  connection.Abandon();
  due_ = std::min(now + kBetweenRequests, last_answer_ + within_);
  ask_ = loop_.At(due_, [this] { Ask(); });
  connection.Open();
}

void SteadyState::Look() {
  if (ledger_.counts().ok == answered_) return;
  answered_ = ledger_.counts().ok;
  refused_ = ledger_.counts().refused_status;
  longest_gap_ = std::max(longest_gap_, loop_.now() - last_answer_);
  last_answer_ = loop_.now();
}

sys::Result<EchoPlan> PlanFor(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return sys::Failure(fmt::format("'{}' does not start with http://", url));
  const auto slash = url.find('/', kScheme.size());
  std::string host_port = url.substr(kScheme.size(), slash == url.npos ? url.npos : slash - kScheme.size());
  if (!sys::SplitHostPort(host_port)) host_port += ":80";
  EchoPlan plan;
  if (const auto resolved = Resolve(host_port, plan); !resolved) return tl::unexpected(resolved.error());
  plan.path = slash == url.npos ? "/" : url.substr(slash);
  return plan;
}

}  // namespace hydrapool::harness
