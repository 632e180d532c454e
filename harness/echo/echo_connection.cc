#include "harness/echo/echo_connection.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <iterator>
#include <utility>

#include "pool/sys/error.h"
#include "pool/sys/socket.h"

namespace hydrapool::harness {
namespace {

constexpr int kSmallBuffer = 4096;
constexpr sys::Nanos kRetry = 10 * sys::kMillisecond;
constexpr std::int64_t kReadsPerSecond = 20;

std::optional<std::uint64_t> IdIn(std::string_view body, std::string_view expect) {
  if (!body.starts_with(expect) || !body.ends_with('\n')) return std::nullopt;
  body = body.substr(expect.size(), body.size() - expect.size() - 1);
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), id);
  if (error != std::errc{} || end != body.data() + body.size()) return std::nullopt;
  return id;
}

void SetOption(int fd, int level, int name, int value) {
  sys::Check(::setsockopt(fd, level, name, &value, sizeof value), "setsockopt");
}

}  // namespace

EchoConnection::EchoConnection(sys::EventLoop& loop, EchoLedger& ledger, const EchoPlan& plan, OnEnd on_end)
    : loop_(loop), ledger_(ledger), plan_(plan), on_end_(std::move(on_end)) {}

void EchoConnection::Open() {
  parser_ = {};
  out_.clear();
  asked_ = 0;
  connected_ = finishing_ = failed_to_connect_ = false;
  fd_.Reset(
      sys::Check(::socket(plan_.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
  SetOption(fd_.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  if (plan_.slow_reader > 0) SetOption(fd_.get(), SOL_SOCKET, SO_RCVBUF, kSmallBuffer);
  const auto* address = reinterpret_cast<const sockaddr*>(&plan_.address);
  if (::connect(fd_.get(), address, plan_.address_length) == 0) {
    FinishConnecting();
  } else if (errno == EINPROGRESS) {
    Watch();
  } else {
    FailToConnect(errno);
  }
}

void EchoConnection::OpenAt(sys::Nanos due) {
  timer_ = loop_.At(due, [this] { Open(); });
}

void EchoConnection::Abandon() {
  timer_.Reset();
  watch_.Reset();
  fd_.Reset();
  ledger_.Lose(line_, Loss::kUnanswered, sys::Now(), parser_.mid_answer());
}

std::uint32_t EchoConnection::Interest() const {
  return (connected_ ? EPOLLIN : 0u) | (!connected_ || !out_.empty() ? EPOLLOUT : 0u);
}

void EchoConnection::Watch() {
  interest_ = Interest();
  watch_ = loop_.Add(fd_.get(), interest_, [this](std::uint32_t events) { OnEvents(events); });
}

void EchoConnection::OnEvents(std::uint32_t events) {
  if (!connected_) {
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    return error == 0 ? FinishConnecting() : FailToConnect(error);
  }
  if ((events & EPOLLOUT) != 0) Flush();
  if ((events & ~EPOLLOUT) != 0) Read();
}

void EchoConnection::FinishConnecting() {
  connected_ = true;
  port_ = sys::LocalPort(fd_.get());
  Ask();
  if (!watch_) Watch();
  Flush();
}

void EchoConnection::FailToConnect(int error) {
  watch_.Reset();
  fd_.Reset();
  if (error == EADDRNOTAVAIL) return OpenAt(loop_.now() + kRetry);
  failed_to_connect_ = true;
  ledger_.TakeConnectFailure(sys::Now());
  on_end_(*this);
}

void EchoConnection::Ask() {
  const sys::Nanos now = sys::Now();
  while (asking_ && !finishing_ && line_.size() < plan_.pipeline) {
    ++asked_;
    finishing_ = plan_.ending != Ending::kNone && asked_ >= plan_.requests;
    Append(ledger_.Send(line_, now, port_), finishing_);
  }
}

void EchoConnection::Append(std::uint64_t id, bool last) {
  const std::string_view close = last && plan_.ending == Ending::kHeader ? "Connection: close\r\n" : "";
  const char* query = plan_.path.find('?') == std::string::npos ? "?" : "";
  fmt::format_to(std::back_inserter(out_), "GET {}{}{} HTTP/1.1\r\nHost: {}\r\n{}\r\n", plan_.path, query, id,
                 plan_.host, close);
}

void EchoConnection::Flush() {
  if (!out_.empty()) {
    const auto sent = ::send(fd_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
    if (sent > 0) out_.erase(0, static_cast<std::size_t>(sent));
    if (sent < 0 && errno != EAGAIN && errno != EINTR) out_.clear();  // what was received says how it ended
    if (out_.empty() && finishing_ && plan_.ending == Ending::kHalfClose) ::shutdown(fd_.get(), SHUT_WR);
  }
  if (watch_ && interest_ != Interest()) watch_.Modify(interest_ = Interest());
}

std::size_t EchoConnection::ReadLimit() const {
  if (plan_.slow_reader == 0) return SIZE_MAX;
  return static_cast<std::size_t>(std::max<std::int64_t>(plan_.slow_reader / kReadsPerSecond, 1));
}

void EchoConnection::Read() {
  static thread_local std::array<char, 64 * 1024> buffer;
  const auto got = ::recv(fd_.get(), buffer.data(), std::min(buffer.size(), ReadLimit()), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return End(got == 0 ? Loss::kEof : Loss::kReset);
  const auto bytes = static_cast<std::size_t>(got);
  parser_.Feed({buffer.data(), bytes});
  TakeAnswers();
  if (parser_.broken()) {
    ledger_.TakeAnswer(line_, std::nullopt, loop_.now());
    return End(Loss::kUnanswered);
  }
  if (finishing_ && line_.empty() && plan_.ending == Ending::kOurClose) return End(Loss::kUnanswered);
  AskAgain();
  if (plan_.slow_reader > 0) RestFromReading(bytes);
}

void EchoConnection::AskAgain() {
  if (plan_.pause > 0 && line_.empty()) {
    timer_ = loop_.At(loop_.now() + plan_.pause, [this] {
      Ask();
      Flush();
    });
    return;
  }
  if (plan_.pause == 0 && line_.size() <= plan_.pipeline / 2) Ask();
  Flush();
}

void EchoConnection::RestFromReading(std::size_t bytes) {
  watch_.Reset();
  const auto rest = static_cast<sys::Nanos>(bytes) * sys::kSecond / plan_.slow_reader;
  timer_ = loop_.At(loop_.now() + rest, [this] { Watch(); });
}

void EchoConnection::TakeAnswers() {
  const sys::Nanos now = sys::Now();
  while (const auto answer = parser_.Next()) {
    finishing_ |= answer->last;
    if (plan_.any_answer && answer->status < 400 && !line_.empty()) {
      ledger_.TakeAnswer(line_, line_.front().id, now);
    } else if (answer->status == 200) {
      ledger_.TakeAnswer(line_, IdIn(answer->body, plan_.expect), now);
    } else {
      ledger_.TakeRefusal(line_, now, answer->status);
    }
  }
}

void EchoConnection::End(Loss how) {
  if (line_.empty() && parser_.mid_answer() && !parser_.broken()) ledger_.TakeStray();
  timer_.Reset();
  watch_.Reset();
  fd_.Reset();
  ledger_.Lose(line_, how, sys::Now(), parser_.mid_answer());
  on_end_(*this);
}

}  // namespace hydrapool::harness
