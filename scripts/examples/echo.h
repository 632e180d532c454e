#pragma once

#include <string>
#include <string_view>

#include "hydrapool/process_pool.h"

/// Sends back what comes (RFC 862): the smallest handler there is. `hydrapool --handler echo`.
///
///     hydrapool::ProcessPool<Echo>().Serve(hydrapool::Listen("127.0.0.1:8080"));
///
/// Each byte comes back once, also over the deaths of workers.
struct Echo {
  explicit Echo(hydrapool::WorkerContext&) {}
  hydrapool::Decision OnInput(hydrapool::Connection&, std::string_view input) {
    return hydrapool::Reply{.consume = input.size(), .bytes = std::string(input)};
  }
  static std::string AbandonedReply() { return ""; }
};
