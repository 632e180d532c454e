#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pool/sys/clock.h"

namespace loadgen {

/// What to send, how often and for how long: the whole of a run, as a value.
///
///     loadgen::Plan plan{.urls = {"http://127.0.0.1:8080/"}, .rate = 500, .connections = 64};
///
/// With a rate the loop is *open*: requests are due by the clock, whatever becomes of earlier ones. Without
/// one it is *closed*: each connection's next request is due when its previous one has ended.
struct Plan {
  /// Used in turn, or as `weights` or `rates` say. At least one. "{counter}" and "{random}" in them are
  /// replaced (url_template.h).
  std::vector<std::string> urls = {};
  std::string method = "GET";
  std::optional<std::string> body = {};
  std::vector<std::string> headers = {};  ///< "Name: value"
  bool keep_alive = true;  ///< false: each request has a connection of its own and says `Connection: close`

  std::optional<double> rate = {};  ///< Requests a second, all threads together. nullopt: closed loop.
  int connections = 10;             ///< The most connections at a time, all threads together.
  int threads = 1;                  ///< At most `connections`.

  sys::Nanos duration = 10 * sys::kSecond;  ///< Ignored where `count` is set.
  std::optional<std::uint64_t> count = {};  ///< Requests in all.
  sys::Nanos timeout = 10 * sys::kSecond;   ///< For one request, from its sending to its last byte.
  sys::Nanos drain = 2 * sys::kSecond;      ///< How long requests in flight at the end are waited for.

  std::string worker_header = "X-Worker";  ///< The response header that names the worker. Empty: none.

  std::vector<unsigned> weights =
      {};                          ///< How often each URL has its turn. Empty: each as often as the others.
  std::vector<double> rates = {};  ///< A rate for each URL; `rate` is then their sum. Empty: none has one.
  bool poisson = false;            ///< Open loop: due times at random instead of evenly spaced.
  std::uint64_t seed = 1;          ///< Of Poisson arrivals and of {random}.

  std::vector<int> expect_status = {};              ///< What is ok. Empty: below 400.
  std::optional<std::uint64_t> expect_length = {};  ///< Of each decoded body.
  std::string unix_socket = {};  ///< Where to connect instead of the URLs' hosts; empty: there.
};

}  // namespace loadgen
