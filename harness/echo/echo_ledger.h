#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "pool/sys/clock.h"

namespace hydrapool::harness {

/// What became of all requests. Each request sent has one fate:
/// sent = ok + wrong + refused_status + reset + eof + unanswered + given_up. Duplicates and extras are
/// answers beyond those.
struct EchoCounts {
  std::uint64_t sent = 0;
  std::uint64_t ok = 0;              ///< The next answer on its connection, whole, with its own id.
  std::uint64_t wrong = 0;           ///< An answer came, but not this request's.
  std::uint64_t refused_status = 0;  ///< A whole answer that is no 200.
  std::uint64_t reset = 0;           ///< The connection was reset instead.
  std::uint64_t eof = 0;             ///< The server closed the connection instead.
  std::uint64_t unanswered =
      0;  ///< Nothing came before the deadline, or later requests were answered in its place.
  std::uint64_t given_up = 0;        ///< The client reset the connection on purpose.
  std::uint64_t duplicate = 0;       ///< Answers for a request that had been answered.
  std::uint64_t extra = 0;           ///< Answers while nothing was asked.
  std::uint64_t connect_failed = 0;  ///< Connections that the server did not take.
  sys::Nanos worst_wait = 0;         ///< From sending a request to its right answer.

  [[nodiscard]] std::uint64_t lost() const { return reset + eof + unanswered + connect_failed; }
  /// Every request was answered once, by its own answer.
  [[nodiscard]] bool exact() const {
    return lost() == 0 && wrong == 0 && refused_status == 0 && duplicate == 0 && extra == 0;
  }
};

/// How requests can be lost.
enum class Loss { kReset, kEof, kUnanswered };

/// A request that did not get its own answer, for the search for its cause. Times are CLOCK_MONOTONIC.
struct EchoFailure {
  sys::Nanos sent = 0;
  sys::Nanos end = 0;
  std::string_view what;  ///< "reset", "eof", "unanswered", "status_5xx", "status", "connect"; a literal.
  bool cut = false;       ///< Part of its answer had come.
  int port = 0;           ///< The client's own; 0: there was no connection.
};

/// Failures of which nothing but their number was kept.
struct UnkeptFailures {
  std::uint64_t lost = 0;
  std::uint64_t cut = 0;
  std::uint64_t abandoned = 0;  ///< "status_5xx"
  std::uint64_t refused = 0;    ///< "status"

  [[nodiscard]] std::uint64_t total() const { return lost + cut + abandoned + refused; }
  bool operator==(const UnkeptFailures&) const = default;
};

/// Keeps account of requests with ids that are unique over all connections, and judges each answer.
///
///     EchoLedger ledger;
///     EchoLedger::Line line;                       // one connection's requests on their way
///     const auto id = ledger.Send(line, now);
///     ledger.TakeAnswer(line, id, later);          // ok
///     ledger.TakeAnswer(line, id, later);          // duplicate
///
/// An answer for a request further back in the line is wrong, and those before it count as unanswered, so
/// that one request dropped is counted as one. Pure: time comes in. One bit of memory for each request.
class EchoLedger {
 public:
  struct Request {
    std::uint64_t id = 0;
    sys::Nanos sent = 0;
    int port = 0;
    std::size_t body_size = 0;  ///< Of the body that it was sent with.
  };
  static constexpr std::size_t kMostKept = 100'000;
  using Line = std::deque<Request>;

  /// `port`: the connection's own, for the search for a failure's cause.
  std::uint64_t Send(Line& line, sys::Nanos now, int port = 0);
  /// A whole 200 that names `id`; nullopt: one that names none.
  void TakeAnswer(Line& line, std::optional<std::uint64_t> id, sys::Nanos now);
  /// A whole answer that is no 200.
  void TakeRefusal(Line& line, sys::Nanos now, int status);
  /// Nothing more will come for what is in the line; `mid_answer`: the first of it was being answered.
  void Lose(Line& line, Loss how, sys::Nanos now, bool mid_answer = false);
  /// Bytes came, while nothing was asked, that are no whole answer.
  void TakeStray() { ++counts_.extra; }
  void TakeConnectFailure(sys::Nanos now);
  /// The connection is reset by its own client.
  void GiveUp(Line& line);

  [[nodiscard]] const EchoCounts& counts() const { return counts_; }
  /// The first kMostKept, and how many came after them.
  [[nodiscard]] const std::vector<EchoFailure>& failures() const { return failures_; }
  [[nodiscard]] const UnkeptFailures& unkept() const { return unkept_; }

 private:
  [[nodiscard]] bool WasAnswered(std::uint64_t id) const { return id < answered_.size() && answered_[id]; }
  void SkipTo(Line& line, std::uint64_t id, sys::Nanos now);
  void Note(const Request& request, sys::Nanos now, std::string_view what, bool cut = false);

  EchoCounts counts_;
  std::vector<EchoFailure> failures_;
  UnkeptFailures unkept_;
  std::vector<bool> answered_ = {true};  ///< By id; ids start at 1.
};

}  // namespace hydrapool::harness
