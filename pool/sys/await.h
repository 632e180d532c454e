#pragma once

#include <chrono>

namespace hydrapool::sys {

/// Waits until one of `events` (of poll(2)), an end or an error has come to `fd`; false: `timeout` has
/// passed. Signals that are handled meanwhile change nothing.
bool Await(int fd, short events, std::chrono::milliseconds timeout);

}  // namespace hydrapool::sys
