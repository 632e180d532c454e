#pragma once

#include "pool/options.h"

namespace CLI {
class App;
}

namespace hydrapool::server {

/// Throws CLI::ValidationError, in one line, where options were given that cannot be had together: those that
/// need leases or HTTP with a dispatch or a handler that has none, rules for programs where there are none.
void RefuseConflicts(const CLI::App& app, const Options& options);

}  // namespace hydrapool::server
