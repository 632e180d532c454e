#pragma once

/// A named point at which a test can make a process die or stop; nothing at all in builds without
/// HYDRAPOOL_FAILPOINTS.
///
///     HYDRAPOOL_FAILPOINT("worker.sent");
///
/// The environment variable HYDRAPOOL_FAILPOINTS arms points: `worker.sent=kill@3` sends SIGKILL to the
/// process that passes the point for the 3rd time, counted over the whole pool and all its incarnations;
/// `crash` instead of `kill` sends SIGSEGV, `stop` SIGSTOP, and `skip` leaves out what stands at the point,
/// where the code offers that (HYDRAPOOL_FAILPOINT_SKIPS is true then; false in builds without failpoints).
/// `@3+` means the 3rd time and each later one, `@3%5` the 3rd and every 5th after it, `@/FILE` when that
/// file says so, for `stop` until it says so (failpoint_gate.h). Points are separated by commas.
/// `sys::ArmFailpoints()` reads the variable once, before the first fork; it throws std::invalid_argument for
/// what it cannot read or open.
namespace hydrapool::sys {

void ArmFailpoints();
/// True: leave out what stands here.
bool PassFailpoint(const char* name);

/// Right before a store into shared memory, where a death or another process may come in between: only the
/// simulation (pool/simulation) does something here. Async-signal-safe.
///
///     HYDRAPOOL_STORE_POINT("lease.swap", &word);  // right before `word` is written
void PassStorePoint(const char* name, const void* place);

}  // namespace hydrapool::sys

#ifdef HYDRAPOOL_FAILPOINTS
#define HYDRAPOOL_FAILPOINT(name) static_cast<void>(::hydrapool::sys::PassFailpoint(name))
#define HYDRAPOOL_FAILPOINT_SKIPS(name) ::hydrapool::sys::PassFailpoint(name)
#define HYDRAPOOL_STORE_POINT(name, place) ::hydrapool::sys::PassStorePoint(name, place)
#else
#define HYDRAPOOL_FAILPOINT(name) static_cast<void>(0)
#define HYDRAPOOL_FAILPOINT_SKIPS(name) false
#define HYDRAPOOL_STORE_POINT(name, place) static_cast<void>(0)
#endif
