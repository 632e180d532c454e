#include "loadgen/engine_choice.h"

#include "loadgen/curl_engine.h"
#include "loadgen/http_url.h"
#include "loadgen/raw_engine.h"

namespace loadgen {

sys::Result<EngineChoice> ChooseEngine(std::string_view wanted, const Plan& plan) {
  const std::string* beyond_raw = nullptr;
  for (const auto& text : plan.urls) {
    const auto url = ParseHttpUrl(text);
    if (!url) return tl::unexpected(url.error());
    if (url->scheme != "http" || url->has_user) beyond_raw = &text;
  }
  if (wanted == "curl" || (wanted == "auto" && beyond_raw != nullptr)) {
    return EngineChoice{"curl", CurlEngine::Make};
  }
  if (beyond_raw != nullptr) {
    return sys::Failure("--engine raw speaks only http:// without a user, not " + *beyond_raw);
  }
  return EngineChoice{"raw", RawEngine::Make};
}

}  // namespace loadgen
