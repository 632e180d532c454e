#include <benchmark/benchmark.h>

#include <string_view>

#include "pool/http/head_scanner.h"
#include "pool/http/request_parser.h"

namespace {

constexpr std::string_view kSmall = "GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n";

constexpr std::string_view kBrowser =
    "GET /cgi-bin/hello?name=world HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-Site: none\r\n"
    "Sec-Fetch-User: ?1\r\n"
    "\r\n";

void Parse(benchmark::State& state, std::string_view head) {
  hydrapool::http::RequestParser parser;
  for (auto _ : state) {
    benchmark::DoNotOptimize(head);
    auto parsed = parser.Parse(head);
    benchmark::DoNotOptimize(parsed);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(head.size()));
}
BENCHMARK_CAPTURE(Parse, small, kSmall);
BENCHMARK_CAPTURE(Parse, browser, kBrowser);

void ScanOnly(benchmark::State& state, std::string_view head) {
  const hydrapool::http::Limits limits;
  for (auto _ : state) {
    benchmark::DoNotOptimize(head);
    auto scanned = hydrapool::http::ScanHead(head, limits);
    benchmark::DoNotOptimize(scanned);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(head.size()));
}
BENCHMARK_CAPTURE(ScanOnly, small, kSmall);
BENCHMARK_CAPTURE(ScanOnly, browser, kBrowser);

}  // namespace
