// What libcurl itself costs: a load made with as little as its multi handle, its socket API and epoll need,
// without schedule, latencies or outcomes. `scripts/bench loadgen` holds loadgen's curl engine against it.
//
//     curl_bare_bench URL CONNECTIONS SECONDS      prints how many responses came

#include <curl/curl.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "pool/sys/clock.h"

namespace {

int epoll = -1;
hydrapool::sys::Nanos curl_due = -1;

int OnSocket(CURL*, curl_socket_t fd, int what, void*, void*) {
  epoll_event event{.events = ((what & CURL_POLL_IN) != 0 ? std::uint32_t{EPOLLIN} : 0u) |
                              ((what & CURL_POLL_OUT) != 0 ? std::uint32_t{EPOLLOUT} : 0u),
                    .data = {.fd = fd}};
  if (what == CURL_POLL_REMOVE) {
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr);
  } else if (::epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) != 0) {
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
  return 0;
}

int OnTimer(CURLM*, long millis, void*) {
  curl_due = millis < 0 ? -1 : hydrapool::sys::Now() + millis * hydrapool::sys::kMillisecond;
  return 0;
}

std::size_t OnBody(char*, std::size_t size, std::size_t n, void*) { return size * n; }

void Add(CURLM* multi, const char* url) {
  CURL* easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_multi_add_handle(multi, easy);
}

/// Counts what ended and starts it again.
std::uint64_t Reap(CURLM* multi) {
  std::uint64_t ended = 0;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->data.result == CURLE_OK) ++ended;
    CURL* easy = message->easy_handle;
    curl_multi_remove_handle(multi, easy);
    curl_multi_add_handle(multi, easy);
  }
  return ended;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fputs("usage: curl_bare_bench URL CONNECTIONS SECONDS\n", stderr), 2;
  const long connections = std::atol(argv[2]);
  epoll = ::epoll_create1(EPOLL_CLOEXEC);
  CURLM* multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &OnSocket);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &OnTimer);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections);
  for (long i = 0; i < connections; ++i) Add(multi, argv[1]);
  const hydrapool::sys::Nanos end = hydrapool::sys::Now() + std::atol(argv[3]) * hydrapool::sys::kSecond;
  std::array<epoll_event, 256> events;
  std::uint64_t responses = 0;
  int running = 0;
  for (hydrapool::sys::Nanos now = hydrapool::sys::Now(); now < end; now = hydrapool::sys::Now()) {
    const hydrapool::sys::Nanos until = curl_due < 0 ? end : std::min(curl_due, end);
    const auto millis = std::max<hydrapool::sys::Nanos>(until - now + hydrapool::sys::kMillisecond - 1, 0) /
                        hydrapool::sys::kMillisecond;
    const int n = ::epoll_wait(epoll, events.data(), events.size(), static_cast<int>(millis));
    for (int i = 0; i < n; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      const int ready = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                        ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0);
      curl_multi_socket_action(multi, event.data.fd, ready, &running);
    }
    if (curl_due >= 0 && hydrapool::sys::Now() >= curl_due) {
      curl_due = -1;
      curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    responses += Reap(multi);
  }
  std::printf("%llu\n", static_cast<unsigned long long>(responses));
}
