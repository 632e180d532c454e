#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "harness/observe/run_record.h"
#include "harness/verdict/verdict.h"

namespace hydrapool::harness {

/// What a report says of the run beside its record.
struct RunTitle {
  std::string name;
  std::string proves;
  std::uint64_t seed = 0;
  std::string replay;    ///< The command that makes the same faults come again.
  std::string evidence;  ///< Where logs are, or empty.
};

/// A screen for people, of so many columns; nullopt: no line is broken. The command that begins again never
/// is.
[[nodiscard]] std::string RunText(const RunTitle& title, const RunRecord& run, const Judgement& judgement,
                                  std::optional<std::size_t> columns = std::nullopt);

/// Schema 1, which other tools rely on:
///
///   schema, name, verdict, reasons: [words], notes: [words], seed, replay
///   faults    [{id, t_ms, unix_ms, fault, target, role: worker, parent, supervisor or program, slot, pid,
///   outcome:
///               dead, alive, held, renewed, delivered or missed, proof: confirmed, mismatched or unproved,
///               reason, busy, phase: in which its victim was to be, or null, hit_phase: whether it was, or
///               null where nobody can tell, timeline_us: {dead, reaped, forked, ready, first_response} since
///               the signal, null where not seen, undone_us (null also of a victim that died while it was
///               held) and renewed_us: since then, or null, replaced_by: pid or null, unobserved: it was
///               replaced, and it was not seen when, lost, cut, abandoned}]
///   requests  {sent, ok, lost, cut, abandoned, refused, in_flight_at_end, unsent: due and never sent,
///              duplicated, wrong, rescued, unexplained, unexamined: failures that were counted and not
///              looked into, with_ids, idle, idle_answered: those of them that had an answer once, idle_lost,
///              idle_kept: false where the server ends connections after each answer}; rescued is null for a
///              server that does not tell
///   by_phase  {phase: failures}, as the pool tells what its dead workers were doing
///   failures  [{t_ms, kind, what, url, port, fault: id or null where it is unexplained, phase: or null}],
///   the
///             first 1000
///   per_fault {landed, lost, cut}: means for each fault that landed
///   load      [{url, client, sent, ok, unsent, achieved: the share of its schedule that was sent in time,
///              report: loadgen's own; these two are null for the other clients}]
///   server    {rescued, rescued_in_flight, lost, cut} by its own account, or null
///   measured  {name of an expectation: value}, times in µs
///   resolution_us {reaped, forked, ready, first_response}: how late each may be
///
/// sent = ok + lost + cut + abandoned + refused + wrong + in_flight_at_end.
[[nodiscard]] std::string RunJson(const RunTitle& title, const RunRecord& run, const Judgement& judgement);

/// Its faults as `harness replay` reads them: a line of JSON for each (inject_record.h).
[[nodiscard]] std::string RunJournal(const RunRecord& run);

}  // namespace hydrapool::harness
