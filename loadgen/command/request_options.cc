#include "loadgen/command/request_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <utility>

#include "loadgen/command/secrets.h"
#include "loadgen/plan/line_file.h"
#include "loadgen/plan/replay.h"
#include "loadgen/plan/request_file.h"
#include "loadgen/plan/scenario_file.h"
#include "loadgen/plan/target_list.h"
#include "loadgen/plan/text_file.h"
#include "pool/sys/units.h"

namespace hydrapool::loadgen {
namespace {

std::string WhyNoCount(const std::string& text) {
  const auto count = sys::ParseCount(text);
  return count ? "" : count.error().message;
}

constexpr std::size_t kSha256Digits = 64;

sys::Result<Body> ReadBody(const std::string& data, bool as_it_is) {
  if (!data.starts_with('@')) return Body(data);
  auto body = ReadWholeFile(data.substr(1));
  if (!body) return sys::Failure((as_it_is ? "--data: " : "--data-template: ") + body.error().message);
  return as_it_is ? Body::AsItIs(std::move(*body)) : Body(std::move(*body));
}

/// Reads the files of lines that the plan's requests name.
sys::Result<void> LoadAllLines(Plan& plan) {
  for (const auto& target : plan.targets) {
    if (auto loaded = LoadLines(target.url, Place::kUrl, plan.lines); !loaded) return loaded;
    if (auto loaded = LoadLines(target.user, Place::kUser, plan.lines); !loaded) return loaded;
    for (const auto& header : target.headers) {
      if (auto loaded = LoadLines(header, Place::kHeader, plan.lines); !loaded) return loaded;
    }
    if (target.body.as_it_is()) continue;
    if (auto loaded = LoadLines(target.body.text(), Place::kBody, plan.lines); !loaded) return loaded;
  }
  return {};
}

}  // namespace

sys::Result<void> RequestOptions::Fill(Plan& plan) const {
  for (const auto& header : request_.headers) {
    if (!IsHeader(header))
      return sys::Failure(fmt::format("-H '{}' is not a header (Name: value)", WithoutSecrets("-H", header)));
  }
  plan.worker_header = worker_header_;
  plan.wire.path_as_is = connection_.path_as_is;
  plan.seed = seed_;
  if (auto filled = FillRequests(plan); !filled) return filled;
  if (auto filled = FillConnection(plan); !filled) return filled;
  if (auto loaded = LoadAllLines(plan); !loaded) return loaded;
  return FillExpectations(plan);
}

sys::Result<void> RequestOptions::FillRequests(Plan& plan) const {
  if (request_.file.empty() && request_.session_file.empty() && request_.replay.empty())
    return FillOneRequest(plan);
  const auto* flag = !request_.file.empty()           ? "--request-file"
                     : !request_.session_file.empty() ? "--session-file"
                                                      : "--replay";
  if (request_.urls.size() > 1)
    return sys::Failure(fmt::format("{} takes one URL, to which its own belong", flag));
  const auto base = request_.urls.empty() ? std::string() : request_.urls.front();
  if (!request_.replay.empty()) {
    const auto only = ReplayFilter::Parse(request_.replay_only);
    if (!only) return tl::unexpected(only.error());
    return FillReplay(request_.replay, base, request_.headers,
                      {.speed = request_.speed, .unsafe = request_.replay_unsafe, .only = *only}, plan);
  }
  return request_.file.empty() ? FillScenario(request_.session_file, base, request_.headers, plan)
                               : loadgen::FillRequests(request_.file, base, request_.headers, plan);
}

sys::Result<void> RequestOptions::FillOneRequest(Plan& plan) const {
  Target like{.method = !request_.method.empty()                  ? request_.method
                        : request_.data || request_.data_template ? "POST"
                                                                  : "GET",
              .headers = request_.headers};
  if (!IsMethod(like.method)) return sys::Failure(fmt::format("-m '{}' is not a method", request_.method));
  if (request_.data || request_.data_template) {
    auto body = request_.data ? ReadBody(*request_.data, true) : ReadBody(*request_.data_template, false);
    if (!body) return tl::unexpected(body.error());
    like.body = std::move(*body);
  } else if (NeedsBody(like.method)) {
    like.body = "";
  }
  return FillTargets(request_.urls, request_.targets, like, plan);
}

sys::Result<void> RequestOptions::FillExpectations(Plan& plan) const {
  plan.expect.status = expect_.status;
  plan.expect.length = expect_.length;
  plan.expect.end = expect_.end;
  plan.expect.sha256 = expect_.sha256;
  std::ranges::transform(plan.expect.sha256, plan.expect.sha256.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (!expect_.sha256.empty() &&
      (expect_.sha256.size() != kSha256Digits ||
       plan.expect.sha256.find_first_not_of("0123456789abcdef") != std::string::npos)) {
    return sys::Failure(fmt::format(
        "--expect-sha256 '{}' is not one (64 hexadecimal digits, as sha256sum prints)", expect_.sha256));
  }
  return {};
}

void RequestOptions::AddTo(CLI::App& app) {
  AddRequest(app);
  AddConnection(app);
  AddExpectations(app);
}

void RequestOptions::AddRequest(CLI::App& app) {
  app.option_defaults()->group("Requests");
  auto* urls = app.add_option("URL", request_.urls, "http:// or https://; several are used in turn");
  urls->type_name("");
  auto* targets = app.add_option("--target", request_.targets, "'URL rate=9/s' or 'URL weight=3'; several");
  targets->type_name("TARGET")->allow_extra_args(false);
  auto* method = app.add_option("-m,--method", request_.method, "method (default: GET, with --data POST)");
  method->type_name("METHOD");
  auto* data = app.add_option("--data", request_.data,
                              "request body: the text, or @FILE as it is (@- is standard input)");
  data->type_name("DATA");
  auto* data_template = app.add_option("--data-template", request_.data_template,
                                       "the same, {counter} and the like replaced in files too");
  data_template->type_name("DATA")->excludes(data);
  app.add_option("-H,--header", request_.headers, "request header 'Name: value'; repeatable")
      ->type_name("HEADER")
      ->allow_extra_args(false);
  auto* file = app.add_option("--request-file", request_.file,
                              "requests to be used in turn, one a line (see below); - is standard input");
  file->type_name("FILE")->excludes(targets)->excludes(method)->excludes(data)->excludes(data_template);
  auto* sessions = app.add_option(
      "--session-file", request_.session_file,
      "sessions of several requests over one connection, with values taken from answers, think "
      "times, loops and checks (YAML, see below); -R and -n count sessions");
  sessions->type_name("FILE")
      ->excludes(targets)
      ->excludes(method)
      ->excludes(data)
      ->excludes(data_template)
      ->excludes(file);
  AddReplay(app, {targets, method, data, data_template, file, sessions});
  app.add_flag("--path-as-is", connection_.path_as_is, "keep /../ and /./ in URLs");
  app.add_option("--seed", seed_, "of --arrival poisson and of {random}")
      ->type_name("N")
      ->check(WhyNoCount)
      ->capture_default_str();
}

void RequestOptions::AddReplay(CLI::App& app, const std::vector<CLI::Option*>& others) {
  auto* replay =
      app.add_option("--replay", request_.replay,
                     "the requests of an access log (common, combined, JSON of nginx or Caddy) or a "
                     "HAR file, with the time between them; - is standard input");
  replay->type_name("FILE");
  for (auto* other : others) replay->excludes(other);
  app.add_option("--speed", request_.speed, "replay so many times as fast")
      ->type_name("N")
      ->check(CLI::Range(0.001, 1e6).description(""))
      ->needs(replay)
      ->capture_default_str();
  app.add_option(
         "--replay-only", request_.replay_only,
         "replay only requests with method=GET,HEAD, path=REGEX, status=2xx,404, from=TIME or to=TIME; "
         "repeatable, each narrows it")
      ->type_name("WHICH")
      ->allow_extra_args(false)
      ->needs(replay);
  app.add_flag("--replay-unsafe", request_.replay_unsafe,
               "replay also what may change something: POST, PUT, DELETE and the like")
      ->needs(replay);
}

void RequestOptions::AddExpectations(CLI::App& app) {
  app.option_defaults()->group("Checks");
  app.add_option("--expect-status", expect_.status, "what is ok, like 200,204 (default: below 400)")
      ->type_name("CODE,…")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(100, 599).description(""));
  app.add_option("--expect-length", expect_.length, "how long each body must be, decoded of gzip or deflate")
      ->type_name("BYTES")
      ->check(WhyNoCount);
  app.add_option("--expect-sha256", expect_.sha256, "what each decoded body's SHA-256 must be")
      ->type_name("HEX");
  app.add_option("--expect-end", expect_.end, "what each decoded body must end with")->type_name("TEXT");
  app.add_option("--worker-header", worker_header_, "response header that names the worker")
      ->type_name("NAME")
      ->capture_default_str();
}

}  // namespace hydrapool::loadgen
