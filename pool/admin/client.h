#pragma once

#include <chrono>
#include <string>

#include "pool/admin/page.h"
#include "pool/sys/error.h"

namespace hydrapool::admin {

/// One GET over plain HTTP/1.1, on a connection of its own: for the harness, which asks `/status.json`, and
/// for the binaries' `--probe`. Also of a server at "unix:/PATH".
///
///     auto page = admin::HttpGet("127.0.0.1:9180", "/healthz", std::chrono::seconds(2));
///     if (!page) return Complain(page.error().message);
///
/// Blocks, at most until the timeout has passed in sum (but for the resolver, where the host is a name). Any
/// status is a Page; an Error is that no whole response came: refused, timed out (ETIMEDOUT), reset, cut, no
/// HTTP, or a body past 64 MiB. No redirects, no TLS.
sys::Result<Page> HttpGet(const std::string& host_port, const std::string& path,
                          std::chrono::milliseconds timeout);

/// The same for "http://HOST[:PORT][/PATH]".
sys::Result<Page> HttpGet(const std::string& url, std::chrono::milliseconds timeout);

}  // namespace hydrapool::admin
