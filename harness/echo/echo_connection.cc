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

EchoConnection::EchoConnection(sys::EventLoop& loop, EchoLedger& ledger, EchoRequests& requests,
                               const EchoPlan& plan, OnEnd on_end)
    : loop_(loop), ledger_(ledger), requests_(requests), plan_(plan), on_end_(std::move(on_end)) {}

void EchoConnection::Open() {
  parser_.Reset();
  out_.clear();
  life_ = {.reset_after = requests_.DrawReset(), .bytewise = requests_.DrawBytewise()};
  fd_.Reset(
      sys::Check(::socket(plan_.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
  if (plan_.address.ss_family != AF_UNIX) SetOption(fd_.get(), IPPROTO_TCP, TCP_NODELAY, 1);
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
  return (life_.connected ? EPOLLIN : 0u) | (!life_.connected || life_.sent < out_.size() ? EPOLLOUT : 0u);
}

void EchoConnection::Watch() {
  life_.interest = Interest();
  watch_ = loop_.Add(fd_.get(), life_.interest, [this](std::uint32_t events) { OnEvents(events); });
}

void EchoConnection::OnEvents(std::uint32_t events) {
  if (!life_.connected) {
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    return error == 0 ? FinishConnecting() : FailToConnect(error);
  }
  if ((events & EPOLLOUT) != 0 && !Flush()) return;
  if ((events & ~EPOLLOUT) != 0) Read();
}

void EchoConnection::FinishConnecting() {
  life_.connected = true;
  life_.port = sys::LocalPort(fd_.get());
  Ask();
  if (!watch_) Watch();
  Flush();
}

void EchoConnection::FailToConnect(int error) {
  watch_.Reset();
  fd_.Reset();
  if (error == EADDRNOTAVAIL) return OpenAt(loop_.now() + kRetry);
  life_.failed_to_connect = true;
  ledger_.TakeConnectFailure(sys::Now());
  on_end_(*this);
}

void EchoConnection::Ask() {
  const sys::Nanos now = sys::Now();
  while (asking_ && !life_.finishing && line_.size() < plan_.pipeline) {
    ++life_.asked;
    life_.finishing = plan_.ending != Ending::kNone && life_.asked >= plan_.requests;
    const auto request = requests_.Make(ledger_.Send(line_, now, life_.port),
                                        life_.finishing && plan_.ending == Ending::kHeader);
    line_.back().body_size = request.body_size.value_or(0);
    out_ += request.bytes;
  }
}

std::size_t EchoConnection::UntilReset() const {
  return life_.reset_after == 0 ? SIZE_MAX : static_cast<std::size_t>(life_.reset_after - life_.moved);
}

std::size_t EchoConnection::SendLimit() const {
  return std::min({out_.size() - life_.sent, UntilReset(), life_.bytewise ? 1 : SIZE_MAX});
}

bool EchoConnection::Flush() {
  if (life_.sent < out_.size()) {
    const auto sent = ::send(fd_.get(), out_.data() + life_.sent, SendLimit(), MSG_NOSIGNAL);
    if (sent > 0) {
      life_.sent += static_cast<std::size_t>(sent);
      life_.moved += static_cast<std::uint64_t>(sent);
    }
    const bool failed = sent < 0 && errno != EAGAIN && errno != EINTR;
    if (failed || life_.sent == out_.size()) {  // what is received says how it ended
      out_.clear();
      life_.sent = 0;
    }
    if (out_.empty() && life_.finishing && plan_.ending == Ending::kHalfClose) ::shutdown(fd_.get(), SHUT_WR);
    if (ResetIsDue()) {
      GiveUp();
      return false;
    }
  }
  if (watch_ && life_.interest != Interest()) watch_.Modify(life_.interest = Interest());
  return true;
}

void EchoConnection::GiveUp() {
  sys::ResetConnection(fd_.get());
  timer_.Reset();
  watch_.Reset();
  fd_.Reset();
  unkept_in_a_row_ = 0;
  ledger_.GiveUp(line_);
  on_end_(*this);
}

std::size_t EchoConnection::ReadLimit() const {
  if (plan_.slow_reader == 0) return UntilReset();
  return std::min(UntilReset(),
                  static_cast<std::size_t>(std::max<std::int64_t>(plan_.slow_reader / kReadsPerSecond, 1)));
}

void EchoConnection::Read() {
  static thread_local std::array<char, 64 * 1024> buffer;
  const auto got = ::recv(fd_.get(), buffer.data(), std::min(buffer.size(), ReadLimit()), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return End(got == 0 ? Loss::kEof : Loss::kReset);
  const auto bytes = static_cast<std::size_t>(got);
  life_.moved += bytes;
  parser_.Feed({buffer.data(), bytes});
  TakeAnswers();
  if (parser_.broken()) {
    ledger_.TakeAnswer(line_, std::nullopt, loop_.now());
    return End(Loss::kUnanswered);
  }
  if (life_.finishing && line_.empty() && plan_.ending == Ending::kOurClose) return End(Loss::kUnanswered);
  if (ResetIsDue()) return GiveUp();
  if (AskAgain() && plan_.slow_reader > 0) RestFromReading(bytes);
}

bool EchoConnection::AskAgain() {
  if (plan_.pause > 0 && line_.empty()) {
    timer_ = loop_.At(loop_.now() + plan_.pause, [this] {
      Ask();
      Flush();
    });
    return true;
  }
  if (plan_.pause == 0 && line_.size() <= plan_.pipeline / 2) Ask();
  return Flush();
}

void EchoConnection::RestFromReading(std::size_t bytes) {
  watch_.Reset();
  const auto rest = static_cast<sys::Nanos>(bytes) * sys::kSecond / plan_.slow_reader;
  timer_ = loop_.At(loop_.now() + rest, [this] { Watch(); });
}

void EchoConnection::TakeAnswers() {
  const sys::Nanos now = sys::Now();
  while (const auto answer = parser_.Next()) {
    life_.finishing |= answer->last;
    life_.says_close |= answer->last;
    life_.last_answer = now;
    ++life_.answered;
    if (plan_.any_answer && answer->status < 400 && !line_.empty()) {
      ledger_.TakeAnswer(line_, line_.front().id, now);
    } else if (answer->status == 200) {
      ledger_.TakeAnswer(line_, IdOf(answer->body), now);
    } else {
      ledger_.TakeRefusal(line_, now, answer->status);
    }
  }
}

std::optional<std::uint64_t> EchoConnection::IdOf(std::string_view body) const {
  if (plan_.mix.body_sizes.empty()) return IdIn(body, plan_.expect);
  if (line_.empty()) return IdOfBody(body);
  const EchoLedger::Request& asked = line_.front();
  if (body == BodyOf(asked.id, asked.body_size)) return asked.id;
  const auto id = IdOfBody(body);
  return id == asked.id ? std::nullopt : id;
}

void EchoConnection::NoteHowItEnded(Loss how) {
  constexpr sys::Nanos kAtOnce = 50 * sys::kMillisecond;
  const bool by_server = how != Loss::kUnanswered && life_.answered > 0 && plan_.ending == Ending::kNone;
  const bool at_once = line_.empty() && sys::Now() - life_.last_answer < kAtOnce;
  unkept_in_a_row_ = by_server && (life_.says_close || at_once) ? unkept_in_a_row_ + 1 : 0;
  life_.ended_after_one = by_server && !life_.says_close && life_.answered == 1 && !line_.empty();
}

void EchoConnection::End(Loss how) {
  NoteHowItEnded(how);
  if (line_.empty() && parser_.mid_answer() && !parser_.broken()) ledger_.TakeStray();
  timer_.Reset();
  watch_.Reset();
  fd_.Reset();
  ledger_.Lose(line_, how, sys::Now(), parser_.mid_answer());
  on_end_(*this);
}

}  // namespace hydrapool::harness
