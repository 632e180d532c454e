#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loadgen/plan/plan.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// Fills in a plan's targets from a file of requests, one a line, used in turn:
///
///     # comments and empty lines are skipped
///     http://h/a
///     DELETE /b
///     {"method": "POST", "url": "http://h/c", "headers": {"A": "b"}, "body": "x", "weight": 3}
///
/// Of a JSON object only "url" is needed, and no key may stand twice; "headers" may also be a list of "Name:
/// value". "body_base64" instead of "body" has any bytes, and nothing in it is replaced. URLs without a
/// scheme are relative to `base` (empty: they begin with a host). `headers` go with each
/// request that has none of their name. A path of "-" is standard input. Errors name the file and the line.
sys::Result<void> FillRequests(const std::string& path, const std::string& base,
                               const std::vector<std::string>& headers, Plan& plan);

/// "Name: value", "Name:" or "Name;", as on curl's command line.
bool IsHeader(const std::string& text);

/// A name as methods have: letters, with '-' and '_' behind the first (M-SEARCH).
bool IsMethod(const std::string& text);

/// A common method, and nothing else: its URL is missing.
bool IsMethodAlone(std::string_view text);

/// Whether a request with this method has a body even if none was given.
bool NeedsBody(const std::string& method);

}  // namespace hydrapool::loadgen
