#pragma once

#include <string>

#include "loadgen/http_url.h"
#include "loadgen/plan.h"

namespace loadgen {

/// The head of a request for `url`, with what libcurl would add: Host, User-Agent, Accept
/// and, for a body, Content-Length and Content-Type. As on curl's command line the plan's headers replace
/// these, "Name:" takes one away and "Name;" sends it empty. Pure.
std::string RequestHead(const Plan& plan, const HttpUrl& url);

}  // namespace loadgen
