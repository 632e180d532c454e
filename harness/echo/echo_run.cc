#include "harness/echo/echo_run.h"

#include <netdb.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "pool/sys/socket.h"

namespace hydrapool::harness {
namespace {

constexpr sys::Nanos kSecondAnswers = 200 * sys::kMillisecond;
constexpr sys::Nanos kRetry = 10 * sys::kMillisecond;
constexpr std::string_view kUnix = "unix:";

sys::Result<void> ResolveUnix(const std::string& path, EchoPlan& plan) {
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return sys::Failure("unix:" + path + ": not a path of 1 to 107 bytes");
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  std::memcpy(&plan.address, &address, sizeof address);
  plan.address_length = sizeof address;
  plan.host = "localhost";
  return {};
}

}  // namespace

EchoRun::EchoRun(sys::EventLoop& loop, EchoOptions options)
    : loop_(loop),
      options_(std::move(options)),
      requests_(options_.plan.mix, options_.plan.host, options_.plan.path) {
  for (std::size_t i = 0; i < options_.connections; ++i) {
    connections_.push_back(std::make_unique<EchoConnection>(
        loop_, ledger_, requests_, options_.plan, [this](EchoConnection& connection) { OnEnd(connection); }));
  }
}

EchoResult EchoRun::Run() {
  const sys::Nanos start = sys::Now();
  if (options_.times > 0) {
    RunBursts();
  } else {
    RunSteadily();
  }
  result_.elapsed = sys::Now() - start;
  RunUntil(sys::Now() + kSecondAnswers, [] { return false; });
  for (const auto& connection : connections_) Abandon(*connection);
  result_.counts = ledger_.counts();
  result_.failures = ledger_.failures();
  result_.unkept_failures = ledger_.unkept();
  return result_;
}

void EchoRun::RunSteadily() {
  reopening_ = true;
  OpenAll();
  {
    const EchoPlan& plan = options_.plan;
    const Floods floods(loop_, plan.address, plan.address_length, plan.host, options_.floods);
    RunUntil(sys::Now() + options_.duration, [this] { return stopped_; });
    result_.flood = floods.counts();
  }
  reopening_ = false;
  for (const auto& connection : connections_) connection->StopAsking();
  RunUntil(sys::Now() + options_.answer_within, [this] { return !AnyWaiting(); });
}

void EchoRun::RunBursts() {
  for (std::uint64_t i = 0; i < options_.times && !stopped_; ++i) {
    OpenAll();
    RunUntil(sys::Now() + options_.answer_within, [this] { return open_ == 0; });
    for (const auto& connection : connections_) {
      if (connection->is_open() && !connection->waiting()) ++result_.unclosed;
      Abandon(*connection);
    }
  }
}

void EchoRun::OpenAll() {
  open_ = connections_.size();
  result_.connections += connections_.size();
  for (const auto& connection : connections_) connection->Open();
}

void EchoRun::Abandon(EchoConnection& connection) {
  result_.answered += connection.is_open() && connection.answered() ? 1 : 0;
  connection.Abandon();
}

void EchoRun::OnEnd(EchoConnection& connection) {
  --open_;
  result_.answered += connection.answered() ? 1 : 0;
  const int unkept = connection.failed_to_connect() ? 0 : connection.unkept_in_a_row();
  result_.unkept += unkept > 0 ? 1 : 0;
  result_.after_one += connection.ended_after_one() ? 1 : 0;
  if (!reopening_) return;
  ++open_;
  ++result_.connections;
  if (connection.failed_to_connect()) {
    connection.OpenAt(sys::Now() + kRetry);
  } else if (options_.spares && unkept > 0) {
    connection.OpenAt(sys::Now() + std::min(kRetry << std::min(unkept, 10), sys::kSecond));
  } else {
    connection.Open();
  }
}

template <typename Condition>
void EchoRun::RunUntil(sys::Nanos deadline, Condition done) {
  while (sys::Now() < deadline && !done()) loop_.RunOnce(deadline);
}

bool EchoRun::AnyWaiting() const {
  return std::ranges::any_of(connections_, [](const auto& connection) { return connection->waiting(); });
}

sys::Result<void> Resolve(const std::string& host_port, EchoPlan& plan) {
  if (host_port.starts_with(kUnix)) return ResolveUnix(host_port.substr(kUnix.size()), plan);
  const auto parts = sys::SplitHostPort(host_port);
  if (!parts) return sys::Failure("'" + host_port + "' is not HOST:PORT");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(parts->host.c_str(), parts->port.c_str(), &hints, &found);
  if (error != 0) return sys::Failure(host_port + ": " + ::gai_strerror(error));
  std::memcpy(&plan.address, found->ai_addr, found->ai_addrlen);
  plan.address_length = found->ai_addrlen;
  plan.host = host_port;
  ::freeaddrinfo(found);
  return {};
}

}  // namespace hydrapool::harness
