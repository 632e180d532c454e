#include "harness/echo/flood.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <utility>

#include "pool/sys/clock.h"
#include "pool/sys/nearest_name.h"

namespace hydrapool::harness {
namespace {

constexpr sys::Nanos kReopen = 100 * sys::kMillisecond;
constexpr std::size_t kAtOnce = 64 * 1024;
constexpr std::uint64_t kTerabyte = 1'000'000'000'000;

constexpr std::array kKinds{
    std::pair<std::string_view, FloodKind>{"pipe", FloodKind::kPipe},
    std::pair<std::string_view, FloodKind>{"chunks", FloodKind::kChunks},
    std::pair<std::string_view, FloodKind>{"upload", FloodKind::kUpload},
    std::pair<std::string_view, FloodKind>{"download", FloodKind::kDownload},
};

std::string Times(std::string_view text, std::size_t at_least) {
  std::string times;
  while (times.size() < at_least) times += text;
  return times;
}

/// What is sent once, and what is sent again and again after it.
std::pair<std::string, std::string> BytesOf(FloodKind kind, const std::string& host) {
  const auto head = [&](std::string_view method, const std::string& path, const std::string& field) {
    return fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n{}\r\n", method, path, host, field);
  };
  const std::string upload = "/cgi-bin/echo";
  switch (kind) {
    case FloodKind::kPipe:
      return {"", Times(head("GET", "/", ""), kAtOnce)};
    case FloodKind::kChunks:
      return {head("POST", upload, "Transfer-Encoding: chunked\r\n"), Times("1\r\na\r\n", kAtOnce)};
    case FloodKind::kUpload:
      return {head("POST", upload, fmt::format("Content-Length: {}\r\n", kTerabyte)), Times("a", kAtOnce)};
    case FloodKind::kDownload:
      return {head("GET", fmt::format("/cgi-bin/flood?bytes={}", kTerabyte), ""), ""};
  }
  std::abort();
}

}  // namespace

sys::Result<FloodKind> ParseFloodKind(std::string_view text) {
  std::vector<std::string_view> names;
  for (const auto& [name, kind] : kKinds) {
    if (name == text) return kind;
    names.push_back(name);
  }
  return sys::Failure(sys::NoSuchName(text, names));
}

struct Floods::Stream {
  std::string first;
  std::string again;
  sys::UniqueFd fd = {};
  sys::EventLoop::Watch watch = {};
  sys::EventLoop::Timer timer = {};
  std::string out = {};
};

Floods::Floods(sys::EventLoop& loop, const sockaddr_storage& address, socklen_t length, std::string host,
               const std::vector<FloodKind>& kinds)
    : loop_(loop), address_(address), length_(length), host_(std::move(host)) {
  for (const FloodKind kind : kinds) {
    auto [first, again] = BytesOf(kind, host_);
    streams_.push_back(
        std::make_unique<Stream>(Stream{.first = std::move(first), .again = std::move(again)}));
    Open(*streams_.back());
  }
}

Floods::~Floods() = default;

void Floods::Open(Stream& stream) {
  stream.fd.Reset(
      sys::Check(::socket(address_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
  if (::connect(stream.fd.get(), reinterpret_cast<const sockaddr*>(&address_), length_) != 0 &&
      errno != EINPROGRESS)
    return Close(stream);
  ++counts_.opened;
  stream.out = stream.first;
  stream.watch = loop_.Add(stream.fd.get(), EPOLLIN | EPOLLOUT,
                           [this, &stream](std::uint32_t events) { OnEvents(stream, events); });
}

void Floods::Close(Stream& stream) {
  stream.watch.Reset();
  stream.fd.Reset();
  stream.timer = loop_.At(sys::Now() + kReopen, [this, &stream] { Open(stream); });
}

void Floods::OnEvents(Stream& stream, std::uint32_t events) {
  static thread_local std::array<char, kAtOnce> in;
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    const auto got = ::recv(stream.fd.get(), in.data(), in.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return Close(stream);
    if (got > 0) counts_.received += static_cast<std::uint64_t>(got);
  }
  if ((events & EPOLLOUT) == 0) return;
  if (stream.out.empty()) stream.out = stream.again;
  if (stream.out.empty()) return stream.watch.Modify(EPOLLIN);
  const auto sent = ::send(stream.fd.get(), stream.out.data(), stream.out.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) return Close(stream);
  if (sent <= 0) return;
  counts_.sent += static_cast<std::uint64_t>(sent);
  stream.out.erase(0, static_cast<std::size_t>(sent));
}

}  // namespace hydrapool::harness
