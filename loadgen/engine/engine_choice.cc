#include "loadgen/engine/engine_choice.h"

#include "loadgen/engine/curl/engine.h"
#include "loadgen/engine/raw/engine.h"
#include "loadgen/plan/http_url.h"

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

}  // namespace

sys::Result<EngineChoice> ChooseEngine(std::string_view wanted, const Plan& plan) {
  const std::string* beyond_raw = nullptr;
  for (const auto& target : plan.targets) {
    const auto url = ParseHttpUrl(target.url);
    if (!url) return tl::unexpected(url.error());
    if (url->scheme != "http" || !url->user.empty() || !UserOf(plan, target).empty())
      beyond_raw = &target.url;
  }
  const char* flag = FlagOfExtras(plan.wire.extras);
  if (wanted == "curl" || (wanted == "auto" && (beyond_raw != nullptr || flag != nullptr))) {
    return EngineChoice{"curl", CurlEngine::Make};
  }
  if (beyond_raw != nullptr) {
    return sys::Failure("--engine raw speaks only http:// without a user, not " + *beyond_raw);
  }
  if (flag != nullptr) return sys::Failure(std::string("--engine raw cannot do ") + flag);
  return EngineChoice{"raw", RawEngine::Make};
}

}  // namespace hydrapool::loadgen
