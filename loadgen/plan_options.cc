#include "loadgen/plan_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>
#include <utility>

#include "loadgen/target_list.h"
#include "loadgen/units.h"

namespace loadgen {
namespace {

template <typename Int>
CLI::Validator From1To(Int most) {
  return CLI::Range(Int{1}, most).description("");
}

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

}  // namespace

void PlanOptions::AddTo(CLI::App& app) {
  AddLoad(app);
  AddRequest(app);
}

sys::Result<Plan> PlanOptions::Understand(int cores) const {
  Plan plan;
  if (const auto filled = FillRequest(plan); !filled) return tl::unexpected(filled.error());
  if (const auto filled = FillLoad(cores, plan); !filled) return tl::unexpected(filled.error());
  return plan;
}

sys::Result<void> PlanOptions::FillRequest(Plan& plan) const {
  if (auto filled = FillTargets(urls_, targets_, plan); !filled) return filled;
  for (const auto& header : headers_) {
    if (!IsHeader(header)) return sys::Failure(fmt::format("-H '{}' is not a header (Name: value)", header));
  }
  plan.headers = headers_;
  plan.keep_alive = connection_ == "keepalive";
  plan.unix_socket = unix_socket_;
  plan.expect_status = expect_status_;
  plan.expect_length = expect_length_;
  plan.worker_header = worker_header_;
  plan.seed = seed_;
  plan.method = !method_.empty() ? method_ : data_ ? "POST" : "GET";
  if (!IsMethod(plan.method)) return sys::Failure(fmt::format("-m '{}' is not a method", method_));
  if (data_) {
    auto body = Body(*data_);
    if (!body) return tl::unexpected(body.error());
    plan.body = std::move(*body);
  } else if (plan.method == "POST" || plan.method == "PUT" || plan.method == "PATCH") {
    plan.body = "";
  }
  return {};
}

sys::Result<void> PlanOptions::FillLoad(int cores, Plan& plan) const {
  if (!rate_.empty()) {
    const auto rate = ParseRate(rate_);
    if (!rate) return tl::unexpected(rate.error());
    if (plan.rate) return sys::Failure("-R and --target rate= exclude each other");
    plan.rate = *rate;
  }
  if (!arrival_.empty() && !plan.rate) return sys::Failure("--arrival needs a rate (-R or --target rate=)");
  plan.poisson = arrival_ == "poisson";
  if (!duration_.empty()) {
    const auto duration = ParseDuration(duration_);
    if (!duration) return tl::unexpected(duration.error());
    plan.duration = *duration;
  }
  const auto timeout = ParseDuration(timeout_);
  if (!timeout) return tl::unexpected(timeout.error());
  plan.timeout = *timeout;
  plan.drain = std::min(plan.drain, plan.timeout);
  plan.count = count_;
  plan.connections = connections_;
  plan.threads = threads_.value_or(std::min(std::max(cores, 1), plan.connections));
  if (plan.threads > plan.connections) {
    return sys::Failure(
        fmt::format("-t {} needs at least as many connections, not -c {}", plan.threads, plan.connections));
  }
  return {};
}

void PlanOptions::AddLoad(CLI::App& app) {
  app.add_option("-c,--connections", connections_, "connections (with -R: the most it may hold)")
      ->type_name("N")
      ->check(From1To(1'000'000))
      ->capture_default_str();
  app.add_option("-t,--threads", threads_, "threads (default: one for each core, at most -c)")
      ->type_name("N")
      ->check(From1To(1024));
  app.add_option("-R,--rate", rate_, "open loop: requests a second, 500 or 500/s (default: closed loop)")
      ->type_name("RATE");
  app.add_option("--arrival", arrival_, "open loop: constant (default), or poisson: due at random")
      ->type_name("HOW")
      ->check(CLI::IsMember({"constant", "poisson"}));
  auto* duration = app.add_option("-d,--duration", duration_, "how long, like 500ms or 2m (default: 10s)");
  duration->type_name("TIME");
  app.add_option("-n,--requests", count_, "this many requests instead")
      ->type_name("N")
      ->check(From1To(std::uint64_t{1} << 53))
      ->excludes(duration);
  app.add_option("--timeout", timeout_, "for one request, from its sending")
      ->type_name("TIME")
      ->capture_default_str();
}

void PlanOptions::AddRequest(CLI::App& app) {
  app.add_option("URL", urls_,
                 "http:// or https://; several are used in turn; {counter}, {random} are replaced")
      ->type_name("");
  app.add_option("--target", targets_, "'URL rate=100/s' or 'URL weight=3'; repeatable")
      ->type_name("TARGET")
      ->allow_extra_args(false);
  app.add_option("-m,--method", method_, "method (default: GET, with --data POST)")->type_name("METHOD");
  app.add_option("--data", data_, "request body: the text, or @FILE")->type_name("DATA");
  app.add_option("-H,--header", headers_, "request header 'Name: value'; repeatable")
      ->type_name("HEADER")
      ->allow_extra_args(false);
  app.add_option("--unix-socket", unix_socket_, "connect to this UNIX socket, whatever the URL's host")
      ->type_name("PATH");
  app.add_option("--expect-status", expect_status_, "what is ok, like 200,204 (default: below 400)")
      ->type_name("CODE,…")
      ->delimiter(',')
      ->check(CLI::Range(100, 599).description(""));
  app.add_option("--expect-length", expect_length_, "how long each decoded body must be")->type_name("BYTES");
  app.add_option("--connection", connection_, "keepalive, or close: a new connection for each request")
      ->type_name("HOW")
      ->check(CLI::IsMember({"keepalive", "close"}))
      ->capture_default_str();
  app.add_option("--worker-header", worker_header_, "response header that names the worker")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--seed", seed_, "of --arrival poisson and of {random}")
      ->type_name("N")
      ->capture_default_str();
}

}  // namespace loadgen
