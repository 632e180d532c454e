#include "harness/command/metrics_endpoint.h"

#include "harness/report/run_summary.h"
#include "pool/sys/socket.h"

namespace hydrapool::harness {
namespace {

constexpr sys::Nanos kToAsk = 20 * sys::kSecond;

}  // namespace

MetricsEndpoint::MetricsEndpoint(sys::EventLoop& loop, const std::string& address)
    : loop_(loop),
      server_(loop, sys::Listen(address),
              {{"/metrics", [this] {
                  ++asked_;
                  return admin::Page{200, "text/plain; version=0.0.4", RunMetrics(faults_, judgement_)};
                }}}) {}

void MetricsEndpoint::Tell(const Judgement& judgement) {
  judgement_ = &judgement;
  const std::uint64_t before = asked_;
  const sys::Nanos deadline = sys::Now() + kToAsk;
  const auto waits = [&] { return asked_ == before || server_.connections() > 0; };
  while (before > 0 && waits() && sys::Now() < deadline) loop_.RunOnce(deadline);
  judgement_ = nullptr;
}

}  // namespace hydrapool::harness
