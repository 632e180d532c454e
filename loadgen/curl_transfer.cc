#include "loadgen/curl_transfer.h"

#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <string_view>
#include <system_error>

namespace loadgen {
namespace {

std::string_view Trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// The value of header `name` if `line` is that header's.
std::string_view ValueOf(std::string_view line, std::string_view name) {
  if (name.empty() || line.size() <= name.size() || line[name.size()] != ':') return {};
  if (::strncasecmp(line.data(), name.data(), name.size()) != 0) return {};
  return Trimmed(line.substr(name.size() + 1));
}

}  // namespace

CurlTransfer::CurlTransfer(const Plan& plan, const curl_slist* headers, CurlSockets& sockets)
    : plan_(plan), sockets_(sockets), easy_(curl_easy_init()) {
  if (!easy_) throw std::bad_alloc();
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_.data());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "loadgen");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, plan.keep_alive ? 0L : 1L);
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
  curl_easy_setopt(easy, CURLOPT_URL, plan.urls.front().c_str());
  if (!plan.unix_socket.empty()) {
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, plan.unix_socket.c_str());
  }
  SetMethod();
}

void CurlTransfer::SetMethod() {
  CURL* easy = easy_.get();
  if (plan_.body) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(plan_.body->size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, plan_.body->data());
  }
  if (plan_.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, plan_.method.c_str());
  }
}

void CurlTransfer::Begin(const Attempt& attempt) {
  attempt_ = attempt;
  ending_ = {};
  opened_ = -1;
  stale_ = false;
  local_port_ = 0;
  at_ = {};
  error_[0] = '\0';
  worker_.clear();
  const auto& url = sockets_.urls[attempt.url];
  if (sockets_.urls.size() == 1 && url.constant()) return;
  url_.clear();
  url.Expand(plan_.seed, attempt.turn, url_);
  curl_easy_setopt(easy_.get(), CURLOPT_URL, url_.c_str());
}

Result CurlTransfer::Ended(CURLcode code, sys::Nanos now) {
  CurlEnding ending = ending_;
  ending.code = code;
  long number = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &number);
  ending.status = static_cast<int>(number);
  curl_off_t body = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_DOWNLOAD_T, &body);
  ending.body_bytes = static_cast<std::uint64_t>(body);
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
  if (outcome == Outcome::kResendSuppressed)
    return "a kept-alive connection ended before the first byte of the "
           "response";
  std::string words = error_[0] != '\0' ? error_.data() : curl_easy_strerror(code);
  return error_number == 0 ? words : words + ": " + std::generic_category().message(error_number);
}

Result CurlTransfer::TimedOut(sys::Nanos now) const { return ResultOf(TimeoutOutcomeOf(ending_), now); }

Result CurlTransfer::ResultOf(Outcome outcome, sys::Nanos now) const {
  long status = 0;
  long head = 0;
  curl_off_t body = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy_.get(), CURLINFO_HEADER_SIZE, &head);
  curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_DOWNLOAD_T, &body);
  auto at = at_;
  if (Completed(outcome)) at.whole = now;
  return {.outcome = outcome,
          .end = now,
          .status = static_cast<int>(status),
          .bytes = static_cast<std::uint64_t>(head) + static_cast<std::uint64_t>(body),
          .local_port = local_port_,
          .worker = worker_,
          .detail = {},
          .phases = PhasesOf(attempt_.sent, at)};
}

bool CurlTransfer::IsStale(int local_port) const {
  const int fd = sockets_.by_port[static_cast<std::size_t>(local_port)];
  char byte = 0;
  return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

void CurlTransfer::NoteConnected() {
  curl_off_t connect = 0;
  curl_off_t secured = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_CONNECT_TIME_T, &connect);
  curl_easy_getinfo(easy_.get(), CURLINFO_APPCONNECT_TIME_T, &secured);
  const sys::Nanos now = sys::Now();
  const sys::Nanos handshake = secured > connect ? (secured - connect) * sys::kMicrosecond : 0;
  at_.connected = std::max(now - handshake, attempt_.sent);
  if (secured > 0) at_.secured = now;
}

int CurlTransfer::OnRequest(void* self, char*, char*, int, int local_port) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  auto& ending = transfer.ending_;
  if (ending.connected) {
    ending.resend_suppressed = true;
    return CURL_PREREQFUNC_ABORT;
  }
  ending.reused = transfer.opened_ < 0;
  if (!ending.reused) {
    transfer.sockets_.by_port[static_cast<std::size_t>(local_port)] = transfer.opened_;
  } else if (transfer.IsStale(local_port)) {
    transfer.stale_ = true;
    return CURL_PREREQFUNC_ABORT;
  }
  ending.connected = true;
  if (!ending.reused) transfer.NoteConnected();
  transfer.local_port_ = local_port;
  return CURL_PREREQFUNC_OK;
}

curl_socket_t CurlTransfer::OnOpenSocket(void* self, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  if (transfer.ending_.connected) {
    transfer.ending_.resend_suppressed = true;
    return CURL_SOCKET_BAD;
  }
  transfer.opened_ = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (transfer.opened_ < 0) transfer.ending_.error_number = errno;
  return transfer.opened_;
}

int CurlTransfer::OnCloseSocket(void* sockets, curl_socket_t fd) {
  static_cast<CurlSockets*>(sockets)->poller.Forget(fd);
  return ::close(fd);
}

std::size_t CurlTransfer::OnHeader(char* data, std::size_t size, std::size_t n, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  const std::string_view line(data, size * n);
  if (!transfer.ending_.head_began) transfer.at_.first_byte = sys::Now();
  transfer.ending_.head_began = true;
  if (line == "\r\n" || line == "\n") {
    transfer.ending_.head_complete = true;
  } else if (line.starts_with("HTTP/")) {
    transfer.ending_.head_complete = false;
  } else if (const auto value = ValueOf(line, transfer.plan_.worker_header); !value.empty()) {
    transfer.worker_ = value;
  }
  return line.size();
}

std::size_t CurlTransfer::OnBody(char*, std::size_t size, std::size_t n, void*) { return size * n; }

}  // namespace loadgen
