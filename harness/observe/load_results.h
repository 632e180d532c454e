#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/echo/echo_run.h"
#include "harness/observe/run_record.h"
#include "pool/sys/child.h"

/// From what the load generators leave to the values of a RunRecord. Pure.
namespace hydrapool::harness {

/// loadgen's JSON (schema 1) and how it ended; `broken` says why where it left none.
[[nodiscard]] LoadRecord ReadLoadReport(const std::string& url, const std::string& json,
                                        const sys::ExitStatus& status, const std::string& last_words);

struct Journalled {
  std::vector<Failure> failures = {};
  std::uint64_t in_flight_at_end = 0;
};
/// loadgen's journal. A request that was in flight at the end is a failure ("hung") where it had been so for
/// 2 s, and else only cut short by the end of the run. Lines that are not whole are skipped.
[[nodiscard]] Journalled ReadJournal(const std::string& lines);

/// What a check with ids leaves for its parent, and back.
[[nodiscard]] std::string EchoResultText(const EchoResult& result);
struct EchoOutcome {
  LoadRecord load = {};
  std::vector<Failure> failures = {};
  std::uint64_t duplicated = 0;
  std::uint64_t wrong = 0;
  std::uint64_t opened = 0;    ///< Connections, those that did not come about included.
  std::uint64_t answered = 0;  ///< Connections that had an answer.
  std::uint64_t connect_failed = 0;
  std::uint64_t unkept =
      0;  ///< Connections that the server ended of its own will as soon as it had answered.
  std::uint64_t after_one = 0;  ///< Those that it ended in the middle of their second request, unannounced.
  std::map<FailureKind, std::uint64_t> unexamined = {};  ///< Failures beyond those above.
};
[[nodiscard]] EchoOutcome ReadEchoResult(const std::string& url, const std::string& text);

/// How many ids a server's ledger names more than once: a line for each execution, which begins with the id.
/// Nothing was executed where it is empty: nullopt. Pure.
[[nodiscard]] std::optional<std::uint64_t> ExecutedTwice(std::string_view ledger);

}  // namespace hydrapool::harness
