#include "loadgen/engine/engine_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "loadgen/engine/curl/engine.h"
#include "loadgen/engine/h2/engine.h"
#include "loadgen/engine/raw/engine.h"
#include "loadgen/engine/raw/session_engine.h"
#include "loadgen/plan/header_lines.h"
#include "loadgen/plan/http_url.h"
#include "loadgen/plan/scenario.h"
#include "loadgen/plan/text_template.h"
#include "pool/http/request_rules.h"
#include "pool/http/text.h"

namespace hydrapool::loadgen {
namespace {

/// The flag of a thing that only libcurl can do; null where there is none.
const char* FlagOfCurl(const Extras& extras) {
  return extras.follow           ? "--location"
         : extras.cookies        ? "--cookies"
         : extras.digest         ? "--digest"
         : !extras.proxy.empty() ? "--proxy"
         : extras.limit_rate > 0 ? "--limit-rate"
                                 : nullptr;
}

/// The flag of a thing that the raw engine cannot do; null where there is none.
const char* FlagOfExtras(const Extras& extras) {
  return extras.http2           ? "--http2"
         : extras.insecure      ? "--insecure"
         : !extras.user.empty() ? "--user"
                                : FlagOfCurl(extras);
}

/// The value of the target's own header of that name; nullopt where it has none.
std::optional<std::string_view> HeaderOf(const Target& target, std::string_view name) {
  for (const std::string_view header : target.headers) {
    const auto end = header.find_first_of(":;");
    if (end != header.npos && http::EqualsIgnoringCase(header.substr(0, end), name))
      return http::TrimBlanks(header.substr(end + 1));
  }
  return std::nullopt;
}

/// It has more than one header of that name that is sent.
bool HasTwo(const Target& target, std::string_view name) {
  return std::ranges::count_if(target.headers, [name](std::string_view header) {
           const auto colon = header.find(':');
           return colon != header.npos && http::EqualsIgnoringCase(header.substr(0, colon), name) &&
                  !http::TrimBlanks(header.substr(colon + 1)).empty();
         }) > 1;
}

/// How long the target's body is; nullopt where it has places in it for what differs from request to request
/// ({brace} is always one byte).
std::optional<std::size_t> LengthOf(const Plan& plan, const Target& target) {
  if (target.body.as_it_is()) return target.body.text().size();
  constexpr std::string_view kBrace = "{brace}";
  std::string rest(target.body.text());
  std::size_t braces = 0;
  for (auto at = rest.find(kBrace); at != rest.npos; at = rest.find(kBrace, at), ++braces)
    rest.erase(at, kBrace.size());
  const TextTemplate::Values names =
      plan.scenario ? TextTemplate::Values(plan.scenario->variables) : TextTemplate::Values();
  if (!TextTemplate(rest, plan.lines, names).constant()) return std::nullopt;
  return rest.size() + braces;
}

/// "Name;" sends it empty, "Name:" takes it away.
bool Has(const Target& target, std::string_view name, char end) {
  return std::ranges::any_of(target.headers, [&](std::string_view header) {
    const auto own = NameOf(header);
    return http::EqualsIgnoringCase(own, name) && header.size() > own.size() && header[own.size()] == end &&
           http::TrimBlanks(header.substr(own.size() + 1)).empty();
  });
}

/// What is wrong with the framing (or the host) that the target's own headers give its requests; empty where
/// nothing is.
std::string WrongFraming(const Plan& plan, const Target& target) {
  for (const auto* name : {"Host", "Content-Length", "Transfer-Encoding"}) {
    if (HasTwo(target, name)) return fmt::format("{} is there twice", name);
    if (Has(target, name, ';') && std::string_view(name) != "Host") return fmt::format("{} is empty", name);
  }
  const auto codings = HeaderOf(target, "Transfer-Encoding");
  const auto length = HeaderOf(target, "Content-Length");
  if (codings && !codings->empty()) {
    if (!http::EqualsIgnoringCase(*codings, "chunked")) return "only chunked is known of Transfer-Encoding";
    if (!target.body) return "Transfer-Encoding without a body";
    if (length && !length->empty()) return "both Transfer-Encoding and Content-Length";
  }
  const bool has_bytes = target.body && !target.body.text().empty();
  if (has_bytes && Has(target, "Content-Length", ':') && codings.value_or("").empty() &&
      !plan.wire.extras.http2)
    return "a body without its Content-Length";
  if (!length || length->empty()) return {};
  const auto says = http::ParseContentLength(*length);
  if (!says) return "a Content-Length that is no number";
  const auto size = LengthOf(plan, target);
  if (!size) return "a Content-Length of its own, and a body that differs from request to request";
  if (*says == *size) return {};
  return fmt::format("Content-Length: {} and a body of {} bytes", *says, *size);
}

/// Sessions are the raw engine's; what it cannot do they cannot.
sys::Result<EngineChoice> ChooseForSessions(std::string_view wanted, const std::string* beyond_raw,
                                            const char* flag, bool chunked) {
  const char* limit = "sessions are sent by the raw engine, which ";
  if (wanted == "curl")
    return sys::Failure("--session-file: sessions are sent by the raw engine, not by curl");
  if (beyond_raw != nullptr)
    return sys::Failure(fmt::format("--session-file: {}sends no user, as in {}", limit, *beyond_raw));
  if (flag != nullptr) return sys::Failure(fmt::format("--session-file: {}cannot do {}", limit, flag));
  if (chunked) return sys::Failure(fmt::format("--session-file: {}cannot send in chunks", limit));
  return EngineChoice{"raw", SessionEngine::Make};
}

sys::Result<EngineChoice> ChooseCurl(const Plan& plan) {
  if (!plan.wire.unix_socket.empty() && plan.wire.reuse != 0)
    return sys::Failure("--connection reuse:N with --unix-socket only where --engine raw can send all");
  return EngineChoice{"curl", CurlEngine::Make};
}

/// HTTP/2 is asked for.
sys::Result<EngineChoice> ChooseForHttp2(std::string_view wanted, const Plan& plan) {
  const char* flag = FlagOfCurl(plan.wire.extras);
  if (wanted == "raw") return sys::Failure("--engine raw cannot do --http2");
  if (wanted == "h2" && flag != nullptr) return sys::Failure(std::string("--engine h2 cannot do ") + flag);
  if (plan.wire.streams > 1 && !plan.wire.keep_alive)
    return sys::Failure("--streams: with --connection close a connection carries one request");
  if (wanted != "curl" && flag == nullptr) return EngineChoice{"h2", H2Engine::Make};
  const std::string why = flag != nullptr ? flag : "--engine curl";
  if (plan.wire.streams > 1)
    return sys::Failure("--streams: with " + why + " a connection carries one request at a time");
  for (const auto& target : plan.targets) {
    if (!target.url.starts_with("https:"))
      return sys::Failure("--http2 with " + why + " is for https:// URLs, not " + target.url);
  }
  return ChooseCurl(plan);
}

}  // namespace

sys::Result<EngineChoice> ChooseEngine(std::string_view wanted, const Plan& plan) {
  const std::string* beyond_raw = nullptr;
  bool chunked = false;
  for (const auto& target : plan.targets) {
    const auto url = ParseHttpUrl(target.url, {}, DotsOf(plan));
    if (!url) return tl::unexpected(url.error());
    if (target.method == "CONNECT")
      return sys::Failure("CONNECT asks a proxy for a tunnel (-x): a server has no answer to it");
    if (const auto wrong = WrongFraming(plan, target); !wrong.empty())
      return sys::Failure(
          fmt::format("{} {}: {}: no server could read it", target.method, target.url, wrong));
    chunked = chunked || HeaderOf(target, "Transfer-Encoding").value_or("") != "";
    if ((url->scheme != "http" && !plan.scenario) || !url->user.empty() || !UserOf(plan, target).empty())
      beyond_raw = &target.url;
  }
  auto extras = plan.wire.extras;
  extras.insecure = extras.insecure && !plan.scenario;
  const char* flag = FlagOfExtras(extras);
  if (plan.scenario) return ChooseForSessions(wanted, beyond_raw, flag, chunked);
  if (plan.wire.extras.http2 || wanted == "h2") return ChooseForHttp2(wanted, plan);
  if (wanted == "curl" || (wanted == "auto" && (beyond_raw != nullptr || flag != nullptr || chunked))) {
    return ChooseCurl(plan);
  }
  if (beyond_raw != nullptr) {
    return sys::Failure("--engine raw speaks only http:// without a user, not " + *beyond_raw);
  }
  if (flag != nullptr) return sys::Failure(std::string("--engine raw cannot do ") + flag);
  if (chunked) return sys::Failure("--engine raw cannot send in chunks (Transfer-Encoding: chunked)");
  return EngineChoice{"raw", RawEngine::Make};
}

}  // namespace hydrapool::loadgen
