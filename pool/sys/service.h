#pragma once

#include <string_view>

#include "pool/sys/clock.h"

/// The service manager that has started this program, if it wants to be told how things stand: sd_notify(3),
/// a datagram to NOTIFY_SOCKET.
///
///     service::Open();                        // once, before any fork
///     service::Tell("READY=1\nSTATUS=serving");
///
/// It never blocks, and what cannot be sent is not sent: a service does not fail because its manager is deaf.
/// For every process that has the descriptor and shares the memory of Open.
namespace hydrapool::sys::service {

/// Reads the environment, and leaves in it what a program needs that is executed in this one's place. Nothing
/// happens where there is no manager, or Open was called before.
void Open();
/// Lines of NAME=VALUE, in one datagram.
void Tell(std::string_view assignments);
/// How often the manager wants to hear WATCHDOG=1 at least (sd_watchdog_enabled(3)); 0: never.
[[nodiscard]] Nanos WatchdogPeriod();

}  // namespace hydrapool::sys::service
