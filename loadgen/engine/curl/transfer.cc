#include "loadgen/engine/curl/transfer.h"

#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <system_error>

#include "pool/sys/socket.h"

namespace hydrapool::loadgen {
namespace {

constexpr int kUnauthorized = 401;
constexpr int kSeeOther = 303;

/// libcurl has codes of other meanings for a chunk or a trailer that is none.
CURLcode MeaningOf(CURLcode code, std::string_view words) {
  return words.find("chunked-encod") != words.npos ? CURLE_WEIRD_SERVER_REPLY : code;
}

}  // namespace

CurlTransfer::CurlTransfer(const Plan& plan, CurlSockets& sockets)
    : plan_(plan),
      sockets_(sockets),
      easy_(MakeCurlHandle(plan, sockets.hosts)),
      connection_(plan.wire, sockets),
      response_(plan),
      pace_(plan.wire.extras.limit_rate),
      upload_(plan.wire.extras.limit_rate) {
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_.data());
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &OnRequest);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, this);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &OnOpenSocket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &OnCloseSocket);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, &sockets);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, &OnUpload);
  curl_easy_setopt(easy, CURLOPT_READDATA, this);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, &OnRewind);
  curl_easy_setopt(easy, CURLOPT_SEEKDATA, this);
}

void CurlTransfer::Begin(const Attempt& attempt) {
  attempt_ = attempt;
  connection_.Begin(attempt.url, attempt.sent);
  SetUp();
}

void CurlTransfer::BeginAgain() {
  connection_.BeginAgain();
  SetUp();
}

void CurlTransfer::SetUp() {
  ending_ = {};
  stale_ = false;
  redirects_ = 0;
  at_ = {};
  pace_.Begin();
  error_[0] = '\0';
  BeginResponse();
  if (plan_.wire.reuse != 0 || !plan_.wire.keep_alive) {
    curl_easy_setopt(easy_.get(), CURLOPT_FORBID_REUSE, plan_.wire.keep_alive ? 0L : 1L);
  }
  const auto& request = sockets_.requests[attempt_.url];
  if (applied_.request != &request || !request.constant()) {
    request.Apply(easy_.get(), attempt_.turn, applied_.buffers);
    applied_.request = &request;
  }
  upload_.Begin(applied_.buffers.upload);
}

bool CurlTransfer::ToBeResumed(CURLcode code) {
  if (!stale_ && (code != CURLE_COULDNT_CONNECT || ending_.resend_suppressed || !connection_.MayTryNext()))
    return false;
  connection_.Ended();
  return true;
}

void CurlTransfer::BeginResponse() {
  response_.Begin();
  ending_.head_complete = false;
}

Result CurlTransfer::Ended(CURLcode code, sys::Nanos now) {
  connection_.Ended();
  if (ending_.connected && !ending_.reused) NoteProtocol();
  CurlEnding ending = ending_;
  ending.code = MeaningOf(code, error_.data());
  long number = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &number);
  ending.status = static_cast<int>(number);
  curl_off_t body = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_DOWNLOAD_T, &body);
  ending.body_bytes = response_.BodyBytes(static_cast<std::uint64_t>(body));
  ending.body_passed = code != CURLE_OK || !ending.head_complete || response_.BodyPassed();
  if (ending.error_number == 0 && code == CURLE_COULDNT_CONNECT) {
    curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &number);
    ending.error_number = static_cast<int>(number);
  }
  auto result = ResultOf(OutcomeOf(plan_, ending), now);
  if (code != CURLE_OK) {
    detail_ = Explain(result.outcome, code, ending.error_number);
    result.detail = detail_;
  }
  return result;
}

std::string CurlTransfer::Explain(Outcome outcome, CURLcode code, int error_number) const {
  if (outcome == Outcome::kStreamRefused) return "the server refused the request's stream";
  if (outcome == Outcome::kResendSuppressed)
    return "a kept-alive connection ended before the first byte of the "
           "response";
  if (ending_.malformed) return std::string(response_.wrong());
  std::string words = error_[0] != '\0' ? error_.data() : curl_easy_strerror(code);
  return error_number == 0 ? words : words + ": " + std::generic_category().message(error_number);
}

Result CurlTransfer::TimedOut(sys::Nanos now) {
  connection_.TimedOut(now);
  return ResultOf(TimeoutOutcomeOf(ending_), now);
}

Result CurlTransfer::ResultOf(Outcome outcome, sys::Nanos now) const {
  long status = 0;
  long head = 0;
  curl_off_t body = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy_.get(), CURLINFO_HEADER_SIZE, &head);
  curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_DOWNLOAD_T, &body);
  auto at = at_;
  if (Completed(outcome)) at.whole = now;
  return {
      .outcome = outcome,
      .end = now,
      .status = static_cast<int>(status),
      .bytes = static_cast<std::uint64_t>(head) + static_cast<std::uint64_t>(body),
      .local_port = connection_.local_port(),
      .worker = response_.worker(),
      .detail = {},
      .phases = PhasesOf(attempt_.sent, at),
      .head = outcome == Outcome::kBadStatus ? std::string_view(response_.first().head) : std::string_view(),
      .body = response_.first().body};
}

/// Bytes that nobody asked for are the end of a plain connection; within TLS or HTTP/2 they may be tickets,
/// settings, pings.
bool CurlTransfer::IsStale(int local_port) const {
  const int fd = sockets_.OfPort(local_port).fd;
  char byte = 0;
  const auto n = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (n < 0) return errno != EAGAIN && errno != EWOULDBLOCK;
  if (n == 0 || applied_.buffers.url.starts_with("http:")) return true;
  pollfd ended{.fd = fd, .events = POLLRDHUP, .revents = 0};
  return ::poll(&ended, 1, 0) > 0;
}

bool CurlTransfer::IsSecondTime() {
  if (!ending_.connected || LeadsOn()) return false;
  ending_.resend_suppressed = true;
  ending_.refused = plan_.wire.extras.http2 && (!ending_.reused || !sockets_.closed_had_ended());
  return true;
}

bool CurlTransfer::LeadsOn() const {
  if (plan_.wire.extras.digest && response_.head_whole() && response_.status() == kUnauthorized) return true;
  long redirects = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_REDIRECT_COUNT, &redirects);
  return redirects > redirects_;
}

void CurlTransfer::NoteConnected() {
  curl_off_t connect = 0;
  curl_off_t secured = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_CONNECT_TIME_T, &connect);
  curl_easy_getinfo(easy_.get(), CURLINFO_APPCONNECT_TIME_T, &secured);
  const sys::Nanos now = sys::Now();
  const sys::Nanos handshake = secured > connect ? (secured - connect) * sys::kMicrosecond : 0;
  at_.connected = std::max(now - handshake, attempt_.sent);
  if (secured == 0) return;
  at_.secured = now;
  ++sockets_.counts().tls;
  const curl_tlssessioninfo* session = nullptr;
  curl_easy_getinfo(easy_.get(), CURLINFO_TLS_SSL_PTR, &session);
  if (session != nullptr && session->internals != nullptr &&
      ::SSL_session_reused(static_cast<const SSL*>(session->internals)) == 1)
    ++sockets_.counts().resumed;
}

int CurlTransfer::OnRequest(void* self, char*, char*, int, int local_port) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  auto& ending = transfer.ending_;
  if (transfer.IsSecondTime()) return CURL_PREREQFUNC_ABORT;
  auto& socket = transfer.sockets_.OfPort(local_port);
  const int opened = transfer.connection_.Carry(local_port);
  ending.reused = opened < 0;
  if (!ending.reused) {
    socket = {.fd = opened};
  } else if (local_port != 0 && transfer.IsStale(local_port)) {
    if (ending.connected) return CURL_PREREQFUNC_ABORT;
    transfer.stale_ = true;
    return CURL_PREREQFUNC_ABORT;
  }
  if (++socket.carried == transfer.plan_.wire.reuse) {
    curl_easy_setopt(transfer.easy_.get(), CURLOPT_FORBID_REUSE, 1L);
  }
  if (!ending.reused && !ending.connected) transfer.NoteConnected();
  curl_easy_getinfo(transfer.easy_.get(), CURLINFO_REDIRECT_COUNT, &transfer.redirects_);
  transfer.BeginResponse();
  ending.connected = true;
  return CURL_PREREQFUNC_OK;
}

curl_socket_t CurlTransfer::OnOpenSocket(void* self, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  if (transfer.IsSecondTime()) return CURL_SOCKET_BAD;
  const int fd = transfer.connection_.Open(*address);
  if (fd < 0) transfer.ending_.error_number = errno;
  return fd;
}

int CurlTransfer::OnCloseSocket(void* sockets, curl_socket_t fd) {
  return static_cast<CurlSockets*>(sockets)->Close(fd);
}

std::size_t CurlTransfer::OnHeader(char* data, std::size_t size, std::size_t n, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  auto& ending = transfer.ending_;
  auto& response = transfer.response_;
  const std::string_view line(data, size * n);
  if (!ending.head_began) transfer.at_.first_byte = sys::Now();
  ending.head_began = true;
  ending.malformed = !response.TakeLine(line);
  const bool whole = response.head_whole() && !ending.head_complete;
  ending.head_complete = response.head_whole();
  const bool follows = whole && transfer.plan_.wire.extras.follow && response.status() == kSeeOther;
  if (follows && transfer.plan_.targets[transfer.attempt_.url].method != "HEAD") transfer.AnswerWithGet();
  return ending.malformed ? 0 : line.size();
}

/// libcurl makes a GET of what is redirected by 303, but for a method that it was told by name.
void CurlTransfer::AnswerWithGet() {
  curl_easy_setopt(easy_.get(), CURLOPT_CUSTOMREQUEST, nullptr);
  applied_.request = nullptr;
}

void CurlTransfer::NoteProtocol() {
  long version = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_VERSION, &version);
  auto& counts = sockets_.counts();
  if (version == CURL_HTTP_VERSION_2_0) {
    ++counts.http2;
  } else if (version != CURL_HTTP_VERSION_NONE) {
    ++counts.http1;
  }
}

std::size_t CurlTransfer::OnUpload(char* to, std::size_t size, std::size_t n, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  const auto read = transfer.upload_.Read(to, size * n, sys::Now());
  if (read == CURL_READFUNC_PAUSE) transfer.sockets_.NotePaused(transfer.upload_.due());
  return read;
}

int CurlTransfer::OnRewind(void* self, curl_off_t offset, int origin) {
  if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<CurlTransfer*>(self)->upload_.Rewind();
  return CURL_SEEKFUNC_OK;
}

std::size_t CurlTransfer::OnBody(char* data, std::size_t size, std::size_t n, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  const std::string_view bytes(data, size * n);
  if (const auto due = transfer.pace_.Pass(bytes.size(), sys::Now()); due != 0) {
    transfer.sockets_.NotePaused(due);
    return CURL_WRITEFUNC_PAUSE;
  }
  transfer.response_.TakeBody(bytes);
  return size * n;
}

}  // namespace hydrapool::loadgen
