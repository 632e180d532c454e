#pragma once

#include <string>

#include "pool/sys/unique_fd.h"

namespace hydrapool::admin {

/// A listener for a Server, as hydrapool::Listen makes one.
///
/// Where a server that drains still listens there, so that it can be watched to its end, the new one listens
/// beside it and gets every connection from then on: over TCP by SO_REUSEPORT and a filter that always
/// chooses the newcomer (socket(7)), at a path by a socket in the old one's place. The other one must say
/// that it drains at GET /readyz, a page with Page::lets_successor_listen, and over TCP be the same user's;
/// any other is a busy address.
///
/// The one that drains stops listening when it sees the newcomer (Server), so that there are never three for
/// longer than a moment. Not promised: who of them gets a connection in that moment, and that it sees the
/// newcomer where the kernel has no sock_diag for TCP (CONFIG_INET_DIAG): then the third of three waits for
/// the first's end.
///
/// Throws as hydrapool::Listen does. Blocks up to a second where the address is taken.
sys::UniqueFd ListenBesideLeaving(const std::string& address);

/// From now on one of the same user that asks for it (ListenOptions::share_port) may listen beside
/// `listener`.
void LetSuccessorListen(int listener);

/// Whether another socket listens at the very address of `listener`, over TCP: at a path there is one alone.
/// Costs the same however many connections the machine has.
[[nodiscard]] bool AnotherListensBeside(int listener);

}  // namespace hydrapool::admin
