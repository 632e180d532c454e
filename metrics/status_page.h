#pragma once

#include <string>

#include "metrics/status_json.h"
#include "pool/shared/death_journal.h"
#include "pool/shared/scoreboard.h"

namespace hydrapool::metrics {

/// The pool's state for people, one page in HTML: whether it is ready, what clients feel, the workers, the
/// last deaths, how fast it recovers.
///
/// Nothing is fetched from elsewhere. Without scripts it is plain tables, loaded again every five seconds;
/// with them it fetches itself twice a second, changes in place what has changed, so that focus and selection
/// stay, and adds what happens in a second. It follows the reader's choice of light or dark, and fits a
/// phone. A worker that has not come round for kFrozenShown is shown as frozen, and told of beside the state.
/// Pure but for reading the scoreboard and /proc.
[[nodiscard]] std::string StatusPage(const hydrapool::Scoreboard& board,
                                     const hydrapool::DeathJournal& deaths, const StatusFacts& facts);

inline constexpr sys::Nanos kFrozenShown = 2 * sys::kSecond;
inline constexpr const char* kStatusPageContentType = "text/html; charset=utf-8";

}  // namespace hydrapool::metrics
