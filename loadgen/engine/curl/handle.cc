#include "loadgen/engine/curl/handle.h"

#include <algorithm>
#include <cstdint>
#include <new>

namespace hydrapool::loadgen {
namespace {

constexpr long kMostRedirects = 20;
constexpr sys::Nanos kOursIsFirst = 10 * sys::kSecond;
constexpr long kAttemptDelay = 250;  // ms, as RFC 8305 has it

long Millis(sys::Nanos time) { return static_cast<long>((time + sys::kMillisecond - 1) / sys::kMillisecond); }

void SetWire(CURL* easy, const Wire& wire, const CurlHosts& hosts) {
  const bool own = wire.connect_timeout != 0 && wire.connect_timeout < wire.timeout;
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   Millis(own ? wire.connect_timeout : wire.timeout + kOursIsFirst));
  curl_easy_setopt(easy, CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, kAttemptDelay);
  curl_easy_setopt(easy, CURLOPT_RESOLVE, hosts.resolve());
  curl_easy_setopt(easy, CURLOPT_CONNECT_TO, hosts.connect_to());
  if (!wire.unix_socket.empty()) curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, wire.unix_socket.c_str());
}

/// Bodies are held back by BytePace: libcurl gives and takes them in pieces of a tenth of a second.
void SetByteRate(CURL* easy, std::uint64_t rate) {
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE,
                   static_cast<long>(std::clamp<std::uint64_t>(rate / 10, 1024, 16384)));
  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
}

void SetExtras(CURL* easy, const Extras& extras) {
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                   static_cast<long>(extras.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_PROXY, extras.proxy.c_str());
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, extras.follow ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, kMostRedirects);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, extras.insecure ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, extras.insecure ? 0L : 2L);
  if (!extras.ca.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, extras.ca.c_str());
  if (!extras.certificate.empty()) {
    curl_easy_setopt(easy, CURLOPT_SSLCERT, extras.certificate.c_str());
    curl_easy_setopt(easy, CURLOPT_SSLKEY, (extras.key.empty() ? extras.certificate : extras.key).c_str());
  }
  if (extras.limit_rate > 0) SetByteRate(easy, extras.limit_rate);
  curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, extras.resume ? 1L : 0L);
  if (extras.cookies) curl_easy_setopt(easy, CURLOPT_COOKIEFILE, "");
  curl_easy_setopt(easy, CURLOPT_HTTPAUTH,
                   static_cast<long>(extras.digest ? CURLAUTH_DIGEST : CURLAUTH_BASIC));
}

int OnWire(CURL*, curl_infotype type, char* data, std::size_t size, void* tap) {
  auto& shown = *static_cast<WireTap*>(tap);
  if (type == CURLINFO_HEADER_OUT || type == CURLINFO_DATA_OUT) shown.Sent({data, size});
  if (type == CURLINFO_HEADER_IN || type == CURLINFO_DATA_IN) shown.Received({data, size});
  return 0;
}

void ShowTo(WireTap* tap, CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
  curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, &OnWire);
  curl_easy_setopt(easy, CURLOPT_DEBUGDATA, tap);
}

}  // namespace

CurlHandle MakeCurlHandle(const Plan& plan, const CurlHosts& hosts) {
  CurlHandle handle(curl_easy_init());
  if (!handle) throw std::bad_alloc();
  curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  const auto every = plan.wire.resolve_every;
  curl_easy_setopt(handle.get(), CURLOPT_DNS_CACHE_TIMEOUT,
                   every == 0 ? -1L : static_cast<long>((every + sys::kSecond - 1) / sys::kSecond));
  curl_easy_setopt(handle.get(), CURLOPT_USERAGENT, "loadgen");
  SetWire(handle.get(), plan.wire, hosts);
  SetExtras(handle.get(), plan.wire.extras);
  if (plan.wire.tap != nullptr) ShowTo(plan.wire.tap, handle.get());
  return handle;
}

}  // namespace hydrapool::loadgen
