#include "loadgen/options.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <utility>

#include "loadgen/target_list.h"
#include "loadgen/units.h"

namespace loadgen {
namespace {

constexpr const char* kExamples = R"(
Examples:
  loadgen http://127.0.0.1:8080/                         10 connections, 10 s, as fast as they go
  loadgen -R 2000/s -c 64 -d 30s http://127.0.0.1:8080/  open loop: 2000 a second, whatever the answers do
  loadgen -n 1000 -m POST --data @body.json http://127.0.0.1:8080/cgi-bin/echo
  loadgen -R 500 --json - http://a/ http://b/ | jq .latency_us.response
  loadgen --target 'http://h/a rate=400/s' --target 'http://h/b?id={counter} rate=20/s' --arrival poisson
  loadgen -R 500 --slo 'p99<50ms' --slo 'errors<0.1%' http://127.0.0.1:8080/

Latencies: response counts from when a request was due, service from when it was sent; lag is the difference.
requests.failed did not complete; a 4xx or 5xx is completed but not ok. sent = completed + failed + in flight at the end.

Exit codes: 0 the run ended, whatever the responses were; 1 not one request reached a server, or an output failed;
2 wrong usage; 99 an --slo was missed; 3 INVALID: an open loop sent less than 99 % of its schedule in time through this machine's own fault.
Ctrl-C ends the run and prints the report; a second one leaves at once.)";

/// What the flags hold before it makes sense as a whole.
struct Raw {
  std::vector<std::string> urls;
  std::vector<std::string> targets;
  std::vector<std::string> slos;
  std::string arrival;
  std::string rate;
  std::string duration;
  std::string timeout = "10s";
  std::optional<std::uint64_t> count;
  std::optional<int> threads;
  int connections = 10;
  std::string method;
  std::optional<std::string> data;
  std::string connection = "keepalive";
  std::vector<std::string> headers;
  std::string unix_socket;
  std::vector<int> expect_status;
  std::optional<std::uint64_t> expect_length;
};

sys::Result<std::string> Body(const std::string& data) {
  if (!data.starts_with('@')) return data;
  errno = 0;
  std::ifstream file(data.substr(1), std::ios::binary);
  std::ostringstream content;
  if (!file || (file.peek() != EOF && !(content << file.rdbuf())) || file.bad()) {
    return sys::Failure(errno, "--data: cannot read " + data.substr(1));
  }
  return std::move(content).str();
}

bool IsHeader(const std::string& text) {
  const auto colon = text.find_first_of(":;");
  return colon != text.npos && colon > 0 && text.find_first_of(" \t\r\n") > colon &&
         text.find_first_of("\r\n") == text.npos;
}

bool IsMethod(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return std::isalpha(c) != 0; });
}

sys::Result<void> FillRequest(const Raw& raw, Plan& plan) {
  if (auto filled = FillTargets(raw.urls, raw.targets, plan); !filled) return filled;
  for (const auto& header : raw.headers) {
    if (!IsHeader(header)) return sys::Failure(fmt::format("-H '{}' is not a header (Name: value)", header));
  }
  plan.headers = raw.headers;
  plan.keep_alive = raw.connection == "keepalive";
  plan.unix_socket = raw.unix_socket;
  plan.expect_status = raw.expect_status;
  plan.expect_length = raw.expect_length;
  plan.method = !raw.method.empty() ? raw.method : raw.data ? "POST" : "GET";
  if (!IsMethod(plan.method)) return sys::Failure(fmt::format("-m '{}' is not a method", raw.method));
  if (raw.data) {
    auto body = Body(*raw.data);
    if (!body) return tl::unexpected(body.error());
    plan.body = std::move(*body);
  } else if (plan.method == "POST" || plan.method == "PUT" || plan.method == "PATCH") {
    plan.body = "";
  }
  return {};
}

sys::Result<void> FillLoad(const Raw& raw, int cores, Plan& plan) {
  if (!raw.rate.empty()) {
    const auto rate = ParseRate(raw.rate);
    if (!rate) return tl::unexpected(rate.error());
    if (plan.rate) return sys::Failure("-R and --target rate= exclude each other");
    plan.rate = *rate;
  }
  if (!raw.arrival.empty() && !plan.rate)
    return sys::Failure("--arrival needs a rate (-R or --target rate=)");
  plan.poisson = raw.arrival == "poisson";
  if (!raw.duration.empty()) {
    const auto duration = ParseDuration(raw.duration);
    if (!duration) return tl::unexpected(duration.error());
    plan.duration = *duration;
  }
  const auto timeout = ParseDuration(raw.timeout);
  if (!timeout) return tl::unexpected(timeout.error());
  plan.timeout = *timeout;
  plan.drain = std::min(plan.drain, plan.timeout);
  plan.count = raw.count;
  plan.connections = raw.connections;
  plan.threads = raw.threads.value_or(std::min(std::max(cores, 1), plan.connections));
  if (plan.threads > plan.connections) {
    return sys::Failure(
        fmt::format("-t {} needs at least as many connections, not -c {}", plan.threads, plan.connections));
  }
  return {};
}

template <typename Int>
CLI::Validator From1To(Int most) {
  return CLI::Range(Int{1}, most).description("");
}

void AddLoadFlags(CLI::App& app, Raw& raw) {
  app.add_option("-c,--connections", raw.connections, "connections (with -R: the most it may hold)")
      ->type_name("N")
      ->check(From1To(1'000'000))
      ->capture_default_str();
  app.add_option("-t,--threads", raw.threads, "threads (default: one for each core, at most -c)")
      ->type_name("N")
      ->check(From1To(1024));
  app.add_option("-R,--rate", raw.rate, "open loop: requests a second, 500 or 500/s (default: closed loop)")
      ->type_name("RATE");
  app.add_option("--arrival", raw.arrival, "open loop: constant (default), or poisson: due at random")
      ->type_name("HOW")
      ->check(CLI::IsMember({"constant", "poisson"}));
  auto* duration = app.add_option("-d,--duration", raw.duration, "how long, like 500ms or 2m (default: 10s)");
  duration->type_name("TIME");
  app.add_option("-n,--requests", raw.count, "this many requests instead")
      ->type_name("N")
      ->check(From1To(std::uint64_t{1} << 53))
      ->excludes(duration);
  app.add_option("--timeout", raw.timeout, "for one request, from its sending")
      ->type_name("TIME")
      ->capture_default_str();
}

void AddRequestFlags(CLI::App& app, Raw& raw) {
  app.add_option("URL", raw.urls,
                 "http:// or https://; several are used in turn; {counter}, {random} are replaced")
      ->type_name("");
  app.add_option("--target", raw.targets, "'URL rate=100/s' or 'URL weight=3'; repeatable")
      ->type_name("TARGET")
      ->allow_extra_args(false);
  app.add_option("-m,--method", raw.method, "method (default: GET, with --data POST)")->type_name("METHOD");
  app.add_option("--data", raw.data, "request body: the text, or @FILE")->type_name("DATA");
  app.add_option("-H,--header", raw.headers, "request header 'Name: value'; repeatable")
      ->type_name("HEADER")
      ->allow_extra_args(false);
  app.add_option("--unix-socket", raw.unix_socket, "connect to this UNIX socket, whatever the URL's host")
      ->type_name("PATH");
  app.add_option("--expect-status", raw.expect_status, "what is ok, like 200,204 (default: below 400)")
      ->type_name("CODE,…")
      ->delimiter(',')
      ->check(CLI::Range(100, 599).description(""));
  app.add_option("--expect-length", raw.expect_length, "how long each decoded body must be")
      ->type_name("BYTES");
  app.add_option("--connection", raw.connection, "keepalive, or close: a new connection for each request")
      ->type_name("HOW")
      ->check(CLI::IsMember({"keepalive", "close"}))
      ->capture_default_str();
}

void AddFlags(CLI::App& app, Options& options, Raw& raw) {
  AddLoadFlags(app, raw);
  AddRequestFlags(app, raw);
  app.add_option("--seed", options.plan.seed, "of --arrival poisson and of {random}")
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--slo", raw.slos,
                 "what must hold, like 'p99<50ms' 'errors<0.1%' 'rps>900'; exit code 99 if not")
      ->type_name("SLO…")
      ->allow_extra_args(false);
  app.add_option("--worker-header", options.plan.worker_header, "response header that names the worker")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--engine", options.engine,
                 "what sends: raw (plain http, least CPU), curl, or auto: raw if it can")
      ->type_name("NAME")
      ->check(CLI::IsMember({"auto", "raw", "curl"}))
      ->capture_default_str();
  app.add_option("--json", options.json, "write the report as JSON to this file, or - for standard output")
      ->type_name("FILE");
  app.add_option("--journal", options.journal, "write each failed request to this file, as lines of JSON")
      ->type_name("FILE");
  app.add_flag("-q,--quiet", options.quiet, "no progress while running");
}

sys::Result<void> Fill(const Raw& raw, int cores, Options& options) {
  if (auto filled = FillRequest(raw, options.plan); !filled) return filled;
  for (const auto& text : raw.slos) {
    auto slo = ParseSlo(text);
    if (!slo) return tl::unexpected(slo.error());
    options.slos.push_back(std::move(*slo));
  }
  return FillLoad(raw, cores, options.plan);
}

}  // namespace

CommandLine ParseCommandLine(int argc, const char* const* argv, int cores) {
  CLI::App app(
      "Measures an HTTP server under load, from the moment each "
      "request was due.",
      "loadgen");
  app.set_version_flag("--version", fmt::format("loadgen {} ({})", LOADGEN_VERSION, curl_version()));
  app.footer(kExamples);
  Options options;
  Raw raw;
  AddFlags(app, options, raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream text;
    std::ostringstream complaint;
    if (app.exit(error, text, complaint) == 0) return text.str();
    return sys::Error{0, error.what()};
  }
  if (const auto filled = Fill(raw, cores, options); !filled) return filled.error();
  return options;
}

}  // namespace loadgen
