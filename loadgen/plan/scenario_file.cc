#include "loadgen/plan/scenario_file.h"

#include <fmt/format.h>
#include <regex.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "loadgen/plan/header_lines.h"
#include "loadgen/plan/http_url.h"
#include "loadgen/plan/line_file.h"
#include "loadgen/plan/request_file.h"
#include "loadgen/plan/scenario.h"
#include "loadgen/plan/target_list.h"
#include "loadgen/plan/text_file.h"
#include "loadgen/plan/url_scheme.h"
#include "loadgen/plan/yaml_reader.h"

namespace hydrapool::loadgen {
namespace {

using yaml::Duration;
using yaml::Fail;
using yaml::Keys;
using yaml::Mistake;
using yaml::Node;
using yaml::Number;
using yaml::Or;
using yaml::Text;

constexpr std::size_t kMostSteps = 100'000;  // of a session, loops written out
constexpr int kDeepest = 32;                 // loops
constexpr std::size_t kLongestFile = std::size_t{16} << 20U;

bool IsName(std::string_view text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  return !text.empty() && kLetters.find(text.front()) != kLetters.npos &&
         std::ranges::all_of(
             text, [&](char c) { return kLetters.find(c) != kLetters.npos || (c >= '0' && c <= '9'); });
}

Node OneDocument(const std::string& text) {
  const auto documents = YAML::LoadAll(text);
  if (documents.size() > 1) Fail(documents[1], "a second document: a session file is one");
  return documents.empty() ? Node() : documents[0];
}

/// One file on its way into a plan.
class Reader {
 public:
  Reader(const HttpUrl& base, const std::vector<std::string>& headers, Plan& plan)
      : base_(base), headers_(headers), plan_(plan) {}

  Scenario Read(const Node& root) {
    Keys(root, "the file", {"arrivals", "headers", "sessions", "steps"});
    if (const auto arrivals = root["arrivals"]) {
      const auto what = Text(arrivals, "arrivals");
      if (what != "sessions" && what != "requests") Fail(arrivals, "arrivals are of sessions or of requests");
      scenario_.of_requests = what == "requests";
    }
    if (const auto node = root["headers"]) {
      auto headers = HeadersOf(node);
      Replace(headers, headers_);
      headers_ = std::move(headers);
    }
    if (static_cast<bool>(root["sessions"]) == static_cast<bool>(root["steps"]))
      Fail(root, "either sessions or steps are needed");
    if (root["steps"]) {
      scenario_.sessions.push_back({.name = "session", .steps = SessionSteps(root["steps"])});
    } else {
      if (!root["sessions"].IsSequence() || root["sessions"].size() == 0)
        Fail(root["sessions"], "sessions is no list");
      for (const auto& session : root["sessions"]) AddSession(session);
    }
    return std::move(scenario_);
  }

 private:
  void AddSession(const Node& node) {
    Keys(node, "a session", {"name", "weight", "steps"});
    Session session{.name = node["name"] ? Text(node["name"], "a name")
                                         : fmt::format("session {}", scenario_.sessions.size() + 1)};
    if (node["weight"]) session.weight = static_cast<unsigned>(Number(node["weight"], "a weight", 10'000));
    if (!node["steps"]) Fail(node, "a session without steps");
    session.steps = SessionSteps(node["steps"]);
    scenario_.sessions.push_back(std::move(session));
  }

  std::vector<Session::Step> SessionSteps(const Node& node) {
    known_.clear();
    auto steps = Steps(node);
    if (steps.front().think) Fail(node, "a session begins with a request");
    return steps;
  }

  std::vector<Session::Step> Steps(const Node& node, int depth = 0) {
    if (!node.IsSequence() || node.size() == 0) Fail(node, "steps is no list");
    if (depth > kDeepest) Fail(node, fmt::format("loops more than {} deep", kDeepest));
    std::vector<Session::Step> steps;
    for (const auto& step : node) {
      if (step.IsMap() && step["repeat"]) {
        Keys(step, "a loop", {"repeat", "steps"});
        const auto times = Number(step["repeat"], "repeat", kMostSteps);
        if (!step["steps"]) Fail(step, "a loop without steps");
        const auto inner = Steps(step["steps"], depth + 1);
        if (inner.size() * times + steps.size() > kMostSteps)
          Fail(step, fmt::format("a session of more than {} steps", kMostSteps));
        for (std::uint64_t i = 0; i < times; ++i) steps.insert(steps.end(), inner.begin(), inner.end());
      } else if (step.IsMap() && step["think"]) {
        Keys(step, "a think time", {"think"});
        scenario_.thinks.push_back(ThinkOf(step["think"]));
        steps.push_back({.think = true, .index = scenario_.thinks.size() - 1});
      } else {
        AddRequest(step);
        steps.push_back({.index = plan_.targets.size() - 1});
      }
    }
    return steps;
  }

  static Think ThinkOf(const Node& node) {
    if (node.IsScalar()) return {.mean = Duration(node)};
    Keys(node, "a think time", {"normal", "exponential"});
    if (node.size() != 1) Fail(node, "a think time is one of TIME, normal and exponential");
    if (const auto mean = node["exponential"])
      return {.kind = Think::Kind::kExponential, .mean = Duration(mean)};
    const auto normal = node["normal"];
    if (!normal.IsSequence() || normal.size() != 2) Fail(normal, "normal is [MEAN, DEVIATION]");
    return {.kind = Think::Kind::kNormal, .mean = Duration(normal[0]), .deviation = Duration(normal[1])};
  }

  void AddRequest(const Node& node) {
    Keys(node, "a step", {"name", "request", "headers", "body", "extract", "check"});
    if (!node["request"]) Fail(node, "a step is a request, think or repeat");
    auto target = TargetOf(node["request"]);
    target.headers = headers_;
    if (node["headers"]) Replace(target.headers, HeadersOf(node["headers"]));
    if (node["body"]) target.body = Text(node["body"], "a body");
    if (!target.body && NeedsBody(target.method)) target.body = "";
    target.name =
        node["name"] ? Text(node["name"], "a name") : fmt::format("{} {}", target.method, PathOf(target));
    CheckPlaces(target, node);
    StepRequest request;
    if (node["check"]) request.check = CheckOf(node["check"]);
    if (node["extract"]) AddExtractions(node["extract"], request);
    plan_.targets.push_back(std::move(target));
    scenario_.requests.push_back(std::move(request));
  }

  Target TargetOf(const Node& node) const {
    const auto whole = Text(node, "a request");
    const auto text = std::string(http::TrimBlanks(whole));
    const auto space = text.find(' ');
    Target target{.url = space == text.npos ? text : text.substr(text.find_first_not_of(' ', space))};
    if (space != text.npos) target.method = text.substr(0, space);
    if (IsMethodAlone(text)) Fail(node, fmt::format("{} lacks its URL", text));
    if (target.url.empty() || target.url.find(' ') != target.url.npos) Fail(node, "a request is METHOD URL");
    if (!IsMethod(target.method)) Fail(node, fmt::format("'{}' is not a method", target.method));
    const bool relative = !base_.full.empty() && !HasScheme(target.url);
    auto url = Or(ParseHttpUrl(target.url, base_.full, DotsOf(plan_)), node);
    target.url = url.full;
    target.user = relative ? base_.user : url.user;
    return target;
  }

  static std::string PathOf(const Target& target) {
    const auto host = target.url.find("://");
    const auto path = target.url.find('/', host == target.url.npos ? 0 : host + 3);
    return path == target.url.npos ? "/" : target.url.substr(path);
  }

  static std::vector<std::string> HeadersOf(const Node& node) {
    if (!node.IsMap()) Fail(node, "headers are no map");
    std::vector<std::string> headers;
    for (const auto& pair : node) {
      headers.push_back(pair.first.as<std::string>() + ": " + Text(pair.second, "a header"));
      if (!IsHeader(headers.back())) Fail(pair.first, fmt::format("'{}' is not a header", headers.back()));
    }
    return headers;
  }

  static StepCheck CheckOf(const Node& node) {
    Keys(node, "a check", {"status", "contains", "json"});
    StepCheck check;
    if (const auto status = node["status"]) {
      if (status.IsSequence() && status.size() == 0) Fail(status, "status is an empty list");
      for (std::size_t i = 0; i < (status.IsSequence() ? status.size() : 1); ++i)
        check.status.push_back(
            static_cast<int>(Number(status.IsSequence() ? status[i] : status, "a status", 599)));
    }
    if (node["contains"]) check.contains = Text(node["contains"], "contains");
    if (const auto json = node["json"]) {
      if (!json.IsMap()) Fail(json, "json is no map of pointers and values");
      for (const auto& pair : json) {
        const auto pointer = pair.first.as<std::string>();
        if (!pointer.empty() && !pointer.starts_with('/')) Fail(pair.first, "a JSON pointer begins with /");
        check.json.push_back({.pointer = pointer, .value = Text(pair.second, "a value")});
      }
    }
    return check;
  }

  void AddExtractions(const Node& node, StepRequest& request) {
    if (!node.IsMap()) Fail(node, "extract is no map");
    for (const auto& pair : node) {
      const auto name = pair.first.as<std::string>();
      if (!IsName(name) || name == "counter" || name == "random")
        Fail(pair.first, fmt::format("'{}' is no name for a value (letters, digits, _)", name));
      const auto& how = pair.second;
      Keys(how, "a value", {"json", "header", "regex", "cookie"});
      if (how.size() != 1) Fail(how, "a value is taken by one of json, header, regex and cookie");
      request.extract.push_back(ExtractionOf(how, VariableOf(name)));
      known_.insert(name);
    }
  }

  static Extraction ExtractionOf(const Node& how, std::size_t variable) {
    using From = Extraction::From;
    const auto kind = how.begin()->first.as<std::string>();
    Extraction extraction{.variable = variable,
                          .from = kind == "json"     ? From::kJson
                                  : kind == "header" ? From::kHeader
                                  : kind == "regex"  ? From::kRegex
                                                     : From::kCookie,
                          .what = Text(how.begin()->second, kind)};
    if (extraction.from == From::kJson && !extraction.what.empty() && !extraction.what.starts_with('/'))
      Fail(how, "a JSON pointer begins with /");
    if (extraction.from != From::kRegex) return extraction;
    regex_t compiled{};
    if (::regcomp(&compiled, extraction.what.c_str(), REG_EXTENDED) != 0)
      Fail(how, fmt::format("'{}' is no regular expression (POSIX extended)", extraction.what));
    ::regfree(&compiled);
    return extraction;
  }

  std::size_t VariableOf(const std::string& name) {
    auto& variables = scenario_.variables;
    const auto found = std::ranges::find(variables, name);
    if (found != variables.end()) return static_cast<std::size_t>(found - variables.begin());
    variables.push_back(name);
    return variables.size() - 1;
  }

  /// Each "{NAME}" must be a value that an earlier step has.
  void CheckPlaces(const Target& target, const Node& node) {
    const auto check = [&](std::string_view text, Place place) {
      if (const auto loaded = LoadLines(text, place, plan_.lines); !loaded)
        Fail(node, loaded.error().message);
      for (auto at = text.find('{'); at != text.npos; at = text.find('{', at + 1)) {
        const auto name = text.substr(at + 1, text.find('}', at) - at - 1);
        if (text.find('}', at) == text.npos || !IsName(name) || name == "counter" || name == "random" ||
            name == "brace")
          continue;
        if (!known_.contains(std::string(name)))
          Fail(node, fmt::format("{{{}}}: no earlier step of the session extracts that", name));
      }
    };
    check(target.url, Place::kUrl);
    for (const auto& header : target.headers) check(header, Place::kHeader);
    check(target.body.text(), Place::kBody);
  }

  const HttpUrl& base_;
  std::vector<std::string> headers_;
  Plan& plan_;
  Scenario scenario_;
  std::set<std::string> known_;  // extracted so far in the session
};

}  // namespace

sys::Result<void> ParseScenario(const std::string& text, const std::string& name, const std::string& base,
                                const std::vector<std::string>& headers, Plan& plan) {
  const auto whole = base.empty() ? HttpUrl{} : ParseHttpUrl(base);
  if (!whole) return tl::unexpected(whole.error());
  try {
    auto scenario = Reader(*whole, headers, plan).Read(OneDocument(text));
    plan.scenario = std::make_shared<const Scenario>(std::move(scenario));
  } catch (const Mistake& mistake) {
    return sys::Failure(fmt::format("{}:{}: {}", name, std::max(mistake.line, 1), mistake.message));
  } catch (const YAML::Exception& error) {
    return sys::Failure(fmt::format("{}:{}: {}", name, error.mark.line + 1, error.msg));
  }
  return {};
}

sys::Result<void> FillScenario(const std::string& path, const std::string& base,
                               const std::vector<std::string>& headers, Plan& plan) {
  const auto text = ReadText(path, kLongestFile);
  if (!text) return tl::unexpected(text.error());
  return ParseScenario(*text, path, base, headers, plan);
}

}  // namespace hydrapool::loadgen
