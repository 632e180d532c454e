#include "pool/testing/http_client.h"

#include <fmt/format.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "pool/sys/error.h"
#include "pool/sys/socket.h"

namespace hydrapool::support {
namespace {

std::optional<std::size_t> Number(std::string_view digits, int base) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string HttpAnswer::Field(std::string_view name) const {
  for (std::size_t at = head.find("\r\n"); at != head.npos; at = head.find("\r\n", at)) {
    at += 2;
    const std::string_view line = std::string_view(head).substr(at, head.find("\r\n", at) - at);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    if (::strncasecmp(line.data(), name.data(), name.size()) != 0) continue;
    const auto value = line.find_first_not_of(' ', name.size() + 1);
    return std::string(value == line.npos ? "" : line.substr(value));
  }
  return {};
}

bool HttpAnswer::keeps_open() const {
  const std::string connection = Field("Connection");
  return head.starts_with("HTTP/1.0") ? connection == "keep-alive" : connection != "close";
}

HttpClient::HttpClient(const std::string& address, std::chrono::milliseconds patience) : patience_(patience) {
  auto connected = sys::Connect(address, patience);
  if (connected) {
    fd_ = std::move(*connected);
  } else {
    error_ = connected.error().message;
  }
}

bool HttpClient::Send(std::string_view bytes) const {
  while (!bytes.empty()) {
    pollfd room{fd_.get(), POLLOUT, 0};
    if (::poll(&room, 1, static_cast<int>(patience_.count())) != 1) return false;
    const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool HttpClient::Fail(const std::string& why) {
  error_ = why;
  return false;
}

HttpClient::Read HttpClient::ReadMore() {
  pollfd waited{fd_.get(), POLLIN, 0};
  if (::poll(&waited, 1, static_cast<int>(patience_.count())) != 1) return Read::kLate;
  std::array<char, 65536> piece;
  const auto count = ::recv(fd_.get(), piece.data(), piece.size(), 0);
  if (count < 0) return Read::kReset;
  if (count == 0) return Read::kEnd;
  buffer_.append(piece.data(), static_cast<std::size_t>(count));
  return Read::kSome;
}

bool HttpClient::Need(std::size_t size) {
  while (buffer_.size() < size) {
    switch (ReadMore()) {
      case Read::kSome:
        break;
      case Read::kEnd:
        return Fail(fmt::format("closed after {} bytes of what should be {}", buffer_.size(), size));
      case Read::kReset:
        return Fail(fmt::format("reset: {}", std::strerror(errno)));
      case Read::kLate:
        return Fail(fmt::format("no more bytes in time; {} wait", buffer_.size()));
    }
  }
  return true;
}

std::optional<std::string> HttpClient::TakeLine() {
  for (;;) {
    if (const auto end = buffer_.find("\r\n"); end != buffer_.npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 2);
      return line;
    }
    if (!Need(buffer_.size() + 1)) return std::nullopt;
  }
}

std::optional<std::string> HttpClient::TakeHead() {
  for (;;) {
    if (const auto end = buffer_.find("\r\n\r\n"); end != buffer_.npos) {
      std::string head = buffer_.substr(0, end + 2);
      buffer_.erase(0, end + 4);
      if (head.starts_with("HTTP/1.") && head.size() > 14) return head;
      Fail("no status line: " + head.substr(0, 40));
      return std::nullopt;
    }
    if (!Need(buffer_.size() + 1)) return std::nullopt;
  }
}

bool HttpClient::TakeChunks(std::string& body) {
  for (;;) {
    const auto line = TakeLine();
    if (!line) return false;
    const auto size = Number(*line, 16);
    if (!size) return Fail("a chunk begins with " + line->substr(0, 40));
    if (!Need(*size + 2)) return false;
    if (buffer_.compare(*size, 2, "\r\n") != 0) return Fail("a chunk does not end where it should");
    body.append(buffer_, 0, *size);
    buffer_.erase(0, *size + 2);
    if (*size == 0) return true;
  }
}

bool HttpClient::TakeToTheEnd(std::string& body) {
  for (;;) {
    switch (ReadMore()) {
      case Read::kSome:
        break;
      case Read::kEnd:
        body = std::exchange(buffer_, {});
        return true;
      case Read::kReset:
        return Fail(fmt::format("reset after {} bytes of a body", buffer_.size()));
      case Read::kLate:
        return Fail(fmt::format("no end in time after {} bytes of a body", buffer_.size()));
    }
  }
}

std::optional<HttpAnswer> HttpClient::Receive(bool head_request) {
  HttpAnswer answer;
  error_.clear();
  for (;;) {
    auto head = TakeHead();
    if (!head) return std::nullopt;
    answer.status = static_cast<int>(Number(head->substr(9, 3), 10).value_or(0));
    answer.head = std::move(*head);
    if (answer.status >= 200) break;
    ++answer.interim;
  }
  const std::string length = answer.Field("Content-Length");
  answer.chunked = answer.Field("Transfer-Encoding") == "chunked";
  if (head_request || answer.status == 204 || answer.status == 304) return answer;
  answer.to_the_end = !answer.chunked && length.empty() && answer.Field("Connection") == "close";
  if (answer.to_the_end) {
    if (!TakeToTheEnd(answer.body)) return std::nullopt;
    return answer;
  }
  if (answer.chunked != length.empty()) {
    Fail("framed by length and chunks, or by neither: " + answer.head);
    return std::nullopt;
  }
  if (answer.chunked) {
    if (!TakeChunks(answer.body)) return std::nullopt;
    return answer;
  }
  const auto size = Number(length, 10);
  if (!size || !Need(*size)) return std::nullopt;
  answer.body = buffer_.substr(0, *size);
  buffer_.erase(0, *size);
  return answer;
}

std::optional<HttpAnswer> HttpClient::Ask(std::string_view request, bool head_request) {
  const bool sent = Send(request);
  auto answer = Receive(head_request);
  if (!answer && !sent) error_ += " (and not all of the request could be sent)";
  return answer;
}

std::optional<int> HttpClient::ReceiveInterim() {
  while (buffer_.find("\r\n\r\n") == buffer_.npos) {
    if (!Need(buffer_.size() + 1)) return std::nullopt;
  }
  const auto status = Number(buffer_.substr(9, 3), 10);
  if (status && *status < 200) TakeHead();
  return status ? std::optional(static_cast<int>(*status)) : std::nullopt;
}

void HttpClient::FinishSending() const { ::shutdown(fd_.get(), SHUT_WR); }

std::string HttpClient::Rest(bool finish) {
  if (finish) FinishSending();
  for (;;) {
    switch (ReadMore()) {
      case Read::kSome:
        break;
      case Read::kEnd:
        return std::exchange(buffer_, {});
      case Read::kReset:
        return buffer_ + "(reset)";
      case Read::kLate:
        return buffer_ + "(no end)";
    }
  }
}

void HttpClient::Abort() {
  const linger at_once{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd_.Reset();
}

std::string Get(std::string_view target, std::string_view fields) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: test\r\n{}\r\n", target, fields);
}

std::string Post(std::string_view target, std::string_view body, std::string_view fields) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n{}\r\n{}", target, body.size(),
                     fields, body);
}

std::string ChunkedPost(std::string_view target, std::string_view body, std::size_t chunk,
                        std::string_view fields) {
  std::string request =
      fmt::format("POST {} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n{}\r\n", target, fields);
  for (; !body.empty(); body.remove_prefix(std::min(chunk, body.size()))) {
    const auto piece = body.substr(0, chunk);
    request += fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
  }
  return request + "0\r\n\r\n";
}

std::string FloodBody(std::size_t bytes) {
  std::string body;
  body.reserve(bytes + 16);
  for (std::size_t offset = 0; offset < bytes; offset += 16) body += fmt::format("{:015x}\n", offset);
  body.resize(bytes);
  return body;
}

}  // namespace hydrapool::support
