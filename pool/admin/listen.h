#pragma once

#include <string>

#include "pool/sys/unique_fd.h"

namespace hydrapool::admin {

/// A listener for a Server, as hydrapool::Listen makes one.
///
/// Where a server that drains still listens there, so that it can be watched to its end, the new one listens
/// beside it and gets every connection from then on (SO_REUSEPORT, and a filter that always chooses the
/// newcomer: socket(7)). The other one must be the same user's and say that it drains at GET /readyz, a page
/// with Page::lets_successor_listen; any other is a busy port.
///
/// The one that drains stops listening when it sees the newcomer (Server), so that there are never three for
/// longer than a moment. Not promised: who of them gets a connection in that moment.
///
/// Throws as hydrapool::Listen does. Blocks up to a second where the address is taken.
sys::UniqueFd ListenBesideLeaving(const std::string& address);

/// From now on one of the same user that asks for it (ListenOptions::share_port) may listen beside
/// `listener`.
void LetSuccessorListen(int listener);

/// Whether another socket listens at the very address of `listener`, which is TCP's.
[[nodiscard]] bool AnotherListensBeside(int listener);

}  // namespace hydrapool::admin
