#include "loadgen/engine/h2/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

#include "loadgen/engine/expectation.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::int32_t kLargestWindow = (1 << 30) - 1;
constexpr std::size_t kSentAtOnce = 64 * 1024;
constexpr std::size_t kMostSent = 512 * 1024;
constexpr int kMostReceives = 4;

std::string NameOfCode(std::uint32_t code) { return nghttp2_http2_strerror(code); }

}  // namespace

void H2Connection::Start() {
  nghttp2_session* session = nullptr;
  if (nghttp2_session_client_new3(&session, shared_.callbacks, this, nullptr, shared_.memory.get()) != 0)
    throw std::bad_alloc();
  session_.reset(session);
  const std::array settings{
      nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, std::uint32_t{kLargestWindow}}};
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kLargestWindow);
}

void H2Connection::Submit(H2Stream& stream, const H2Request& request) {
  const bool starts = !open();
  if (starts) Start();
  stream.connection = this;
  stream.reused = completed_ > 0;
  stream.place = active_.size();
  active_.push_back(&stream);
  stream.unsent = request.BodyOf(stream.attempt.turn, stream.own);
  stream.sent_whole = !request.has_body();
  const auto fields = request.Fields(stream.attempt.turn, stream.own);
  if (plan().wire.tap != nullptr) ShowRequest(fields, stream.unsent);
  const auto body = BodyOf(stream);
  stream.id = nghttp2_submit_request(session_.get(), nullptr, fields.data(), fields.size(),
                                     request.has_body() ? &body : nullptr, &stream);
  room_.Carry();
  if (stream.id < 0) return Over(stream, Outcome::kOther, nghttp2_strerror(stream.id), sys::Now());
  if (!starts) return;
  Connecting(transport_.Open(endpoint_, security_, stream.attempt.sent));
}

void H2Connection::Connecting(const std::optional<ConnectError>& failed) {
  if (failed) End(failed->outcome, failed->detail);
  if (!transport_.ready()) return;
  for (auto* stream : active_) {
    stream->at.connected = transport_.at().connected;
    stream->at.secured = transport_.at().secured;
  }
}

bool H2Connection::OnEvents(std::uint32_t events) {
  if (!transport_.ready()) {
    Connecting(transport_.OnEvents(events));
    // What ended then may be the connection to another address.
    if (!transport_.ready() || (events & (EPOLLHUP | EPOLLERR)) != 0) return false;
  }
  peer_closed_ = peer_closed_ || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  return (events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0 && Receive();
}

void H2Connection::OnConnectDue(sys::Nanos now) { Connecting(transport_.OnConnectDue(now)); }

bool H2Connection::Receive() {
  if (!transport_.ready()) return false;
  const auto buffer = shared_.thread.buffer;
  for (int i = 0; i < kMostReceives; ++i) {
    const auto got = transport_.Receive(buffer);
    if (got.over) {
      EndOfBytes(got.error_number);
      return false;
    }
    if (got.size == 0) return false;
    heard_ = sys::Now();
    const auto taken =
        nghttp2_session_mem_recv(session_.get(), reinterpret_cast<std::uint8_t*>(buffer.data()), got.size);
    if (taken < 0) {
      End(Outcome::kMalformed, nghttp2_strerror(static_cast<int>(taken)));
      return false;
    }
    if (got.drained && !peer_closed_) return false;
  }
  return true;
}

/// Nothing more comes. Where the library had given the connection up, that is why.
void H2Connection::EndOfBytes(int error_number) {
  unsent_.clear();
  sent_ = 0;
  Fill();
  if (IsDone()) return End(Outcome::kMalformed, words_);
  End(std::nullopt, {}, error_number);
}

/// Takes what is to be sent from the library, frame by frame.
void H2Connection::Fill() {
  while (unsent_.size() < kSentAtOnce) {
    const std::uint8_t* bytes = nullptr;
    const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (size <= 0) return;
    unsent_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
}

bool H2Connection::IsDone() const {
  return nghttp2_session_want_read(session_.get()) == 0 && nghttp2_session_want_write(session_.get()) == 0;
}

bool H2Connection::Flush() {
  std::size_t total = 0;
  while (transport_.ready() && total < kMostSent) {
    if (sent_ == unsent_.size()) {
      unsent_.clear();
      sent_ = 0;
      Fill();
    }
    if (unsent_.empty()) {
      if (IsDone()) End(Outcome::kMalformed, words_);
      return false;
    }
    const auto sent = transport_.Send(std::string_view(unsent_).substr(sent_));
    if (sent.over) {
      peer_closed_ = true;
      while (Receive()) continue;
      End(std::nullopt, {}, sent.error_number);
      return false;
    }
    if (sent.size == 0) return false;
    sent_ += sent.size;
    total += sent.size;
  }
  return transport_.ready();
}

void H2Connection::TimedOut(H2Stream& stream, sys::Nanos now) {
  if (!transport_.ready()) {
    transport_.GaveUp();
    return End(Outcome::kTimeoutConnect, {});
  }
  if (heard_ < stream.attempt.sent) room_.Leave();
  Detach(stream, NGHTTP2_CANCEL);
  Over(stream, stream.response.began ? Outcome::kTimeoutBody : Outcome::kTimeoutFirstByte, {}, now);
}

/// The library knows nothing more of it.
void H2Connection::Detach(H2Stream& stream, std::uint32_t code) {
  nghttp2_session_set_stream_user_data(session_.get(), stream.id, nullptr);
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id, code);
}

void H2Connection::OnSettings() {
  const auto allowed =
      nghttp2_session_get_remote_settings(session_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  if (room_.Settle(allowed)) ++shared_.thread.counts.http2;
}

void H2Connection::OnGoAway(std::uint32_t code) {
  words_ = "the server is going away (" + NameOfCode(code) + ")";
  room_.Leave();
}

void H2Connection::OnWhole(H2Stream& stream) {
  const auto& plan = shared_.thread.plan;
  const auto length =
      stream.response.check.needed() ? stream.response.check.length() : stream.response.body_bytes;
  if (!stream.sent_whole) {
    Detach(stream, NGHTTP2_CANCEL);
  } else {
    nghttp2_session_set_stream_user_data(session_.get(), stream.id, nullptr);
  }
  ++completed_;
  stream.at.whole = heard_;
  Over(stream, Judge(plan, stream.response.status, length, stream.response.check.Passed()), {}, heard_);
}

void H2Connection::OnClosed(H2Stream& stream, std::uint32_t code) {
  const sys::Nanos now = sys::Now();
  if (stream.response.reset && code != NGHTTP2_REFUSED_STREAM)
    return Over(stream, Outcome::kStreamReset, "the server reset the stream (" + NameOfCode(code) + ")", now);
  if (code == NGHTTP2_REFUSED_STREAM) {
    return Over(stream, Outcome::kStreamRefused,
                stream.response.reset || words_.empty() ? "the server refused the request's stream" : words_,
                now);
  }
  const auto& why = !stream.response.malformed.empty() ? stream.response.malformed : words_;
  Over(stream, Outcome::kMalformed, why.empty() ? NameOfCode(code) : why, now);
}

Outcome H2Connection::OutcomeOfEnd(const H2Stream& stream, int error_number) const {
  if (stream.response.began) return error_number == 0 ? Outcome::kTruncated : Outcome::kResetInResponse;
  return stream.reused ? Outcome::kResendSuppressed : Outcome::kResetBeforeResponse;
}

void H2Connection::End(std::optional<Outcome> outcome, const std::string& detail, int error_number) {
  const sys::Nanos now = sys::Now();
  auto why = detail;
  if (!outcome)
    why = error_number == 0 ? "closed by the server" : std::generic_category().message(error_number);
  if (!outcome && !words_.empty()) why += "; " + words_;
  while (!active_.empty()) {
    auto& stream = *active_.back();
    Over(stream, outcome ? *outcome : OutcomeOfEnd(stream, error_number), why, now);
  }
  Close(now);
}

void H2Connection::Close(sys::Nanos now) {
  transport_.Close(now);
  session_.reset();
  unsent_.clear();
  sent_ = 0;
  room_.Close();
  completed_ = 0;
  peer_closed_ = false;
  words_.clear();
}

void H2Connection::Over(H2Stream& stream, Outcome outcome, std::string_view detail, sys::Nanos now) {
  if (reading_ == &stream) reading_ = nullptr;
  active_[stream.place] = active_.back();
  active_[stream.place]->place = stream.place;
  active_.pop_back();
  Result result{.outcome = outcome,
                .end = now,
                .status = stream.response.status,
                .bytes = stream.response.bytes + stream.response.body_bytes,
                .local_port = Completed(outcome) ? 0 : local_port(),
                .worker = stream.response.worker,
                .detail = detail,
                .phases = PhasesOf(stream.attempt.sent, stream.at)};
  if (outcome == Outcome::kBadStatus && stream.response.tells) {
    shared_.told.set(static_cast<std::size_t>(stream.response.status));
    result.head = stream.response.first.head;
    result.body = stream.response.first.body;
  }
  listener_.OnOver(stream, result);
}

}  // namespace hydrapool::loadgen
