#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace hydrapool {
class Pool;
}

namespace hydrapool::control {

/// What a command is answered by, piece by piece: each call gives the next whole lines; "" means that there
/// is nothing to say yet, nullopt that all is said.
using Answer = std::function<std::optional<std::string>()>;

/// One command of an operator: a line of words. Each line of the answer is a JSON object; the last one is
/// {"ok":true, …} or {"error": "one line"}:
///
///     workers                     one line for each worker: {slot, pid, incarnation, state, …}
///     leases                      one for each open connection: {lease, peer, phase, slot, pid, …}
///     losses                      one for each connection lost, cut or refused: as /fates.json; then totals
///     drain SLOT, recycle SLOT    steering.h
///     resize N                    {"ok":true, "workers":N}
///     reload, upgrade, program    {"ok":true, "program", "refused"}: one of the two grows when it is decided
///     program                     "draining" too: whether it is on its way out
///     watch [CURSOR]              events (events.h), each with the time and a cursor to go on from; no end
///
/// Not promised: that all lines are of one instant.
Answer Obey(const Pool& pool, std::string_view command);

/// {"error": …} and its end.
Answer Refuse(const std::string& why);

}  // namespace hydrapool::control
