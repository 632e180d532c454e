#include "loadgen/engine/engine_choice.h"

#include <fmt/format.h>

#include <optional>

#include "loadgen/engine/curl/engine.h"
#include "loadgen/engine/raw/engine.h"
#include "loadgen/engine/raw/session_engine.h"
#include "loadgen/plan/http_url.h"
#include "pool/http/request_rules.h"
#include "pool/http/text.h"

namespace hydrapool::loadgen {
namespace {

/// The flag of a thing that only libcurl can do; null where there is none.
const char* FlagOfExtras(const Extras& extras) {
  return extras.http2            ? "--http2"
         : extras.follow         ? "--location"
         : extras.insecure       ? "--insecure"
         : extras.cookies        ? "--cookies"
         : !extras.user.empty()  ? "--user"
         : !extras.proxy.empty() ? "--proxy"
                                 : nullptr;
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

/// What is wrong with the framing that the target's own headers give its requests; empty where nothing is.
std::string WrongFraming(const Target& target) {
  const auto codings = HeaderOf(target, "Transfer-Encoding");
  const auto length = HeaderOf(target, "Content-Length");
  if (codings && !codings->empty()) {
    if (!http::EqualsIgnoringCase(*codings, "chunked")) return "only chunked is known of Transfer-Encoding";
    if (!target.body) return "Transfer-Encoding without a body";
    if (length && !length->empty()) return "both Transfer-Encoding and Content-Length";
  }
  if (!length || length->empty() || length->find('{') != length->npos) return {};
  const auto says = http::ParseContentLength(*length);
  if (!says) return "a Content-Length that is no number";
  const bool varies =
      target.body && !target.body.as_it_is() && target.body.text().find('{') != std::string_view::npos;
  if (varies || *says == target.body.text().size()) return {};
  return fmt::format("Content-Length: {} and a body of {} bytes", *says, target.body.text().size());
}

/// Sessions are the raw engine's; what it cannot do they cannot.
sys::Result<EngineChoice> ChooseForSessions(std::string_view wanted, const std::string* beyond_raw,
                                            const char* flag, bool chunked) {
  const char* limit = "sessions are sent by the raw engine, which ";
  if (wanted == "curl")
    return sys::Failure("--session-file: sessions are sent by the raw engine, not by curl");
  if (beyond_raw != nullptr)
    return sys::Failure(
        fmt::format("--session-file: {}speaks only http:// without a user, not {}", limit, *beyond_raw));
  if (flag != nullptr) return sys::Failure(fmt::format("--session-file: {}cannot do {}", limit, flag));
  if (chunked) return sys::Failure(fmt::format("--session-file: {}cannot send in chunks", limit));
  return EngineChoice{"raw", SessionEngine::Make};
}

}  // namespace

sys::Result<EngineChoice> ChooseEngine(std::string_view wanted, const Plan& plan) {
  const std::string* beyond_raw = nullptr;
  bool chunked = false;
  for (const auto& target : plan.targets) {
    const auto url = ParseHttpUrl(target.url, {}, DotsOf(plan));
    if (!url) return tl::unexpected(url.error());
    if (const auto wrong = WrongFraming(target); !wrong.empty())
      return sys::Failure("-H: " + wrong + ": no server could read it");
    chunked = chunked || HeaderOf(target, "Transfer-Encoding").value_or("") != "";
    if (url->scheme != "http" || !url->user.empty() || !UserOf(plan, target).empty())
      beyond_raw = &target.url;
  }
  const char* flag = FlagOfExtras(plan.wire.extras);
  if (plan.scenario) return ChooseForSessions(wanted, beyond_raw, flag, chunked);
  if (wanted == "curl" || (wanted == "auto" && (beyond_raw != nullptr || flag != nullptr || chunked))) {
    if (!plan.wire.unix_socket.empty() && plan.wire.reuse != 0)
      return sys::Failure("--connection reuse:N with --unix-socket only where --engine raw can send all");
    return EngineChoice{"curl", CurlEngine::Make};
  }
  if (beyond_raw != nullptr) {
    return sys::Failure("--engine raw speaks only http:// without a user, not " + *beyond_raw);
  }
  if (flag != nullptr) return sys::Failure(std::string("--engine raw cannot do ") + flag);
  if (chunked) return sys::Failure("--engine raw cannot send in chunks (Transfer-Encoding: chunked)");
  return EngineChoice{"raw", RawEngine::Make};
}

}  // namespace hydrapool::loadgen
