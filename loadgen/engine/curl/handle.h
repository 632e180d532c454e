#pragma once

#include <curl/curl.h>

#include <memory>

#include "loadgen/engine/curl/hosts.h"
#include "loadgen/plan/plan.h"

namespace hydrapool::loadgen {

struct FreeCurlHandle {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using CurlHandle = std::unique_ptr<CURL, FreeCurlHandle>;

/// An easy handle with what is the same for all of the plan's requests: how they travel. Both must outlive
/// it. Throws std::bad_alloc.
CurlHandle MakeCurlHandle(const Plan& plan, const CurlHosts& hosts);

}  // namespace hydrapool::loadgen
