#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "hydrapool/connection.h"
#include "pool/access/entry.h"
#include "pool/access/line.h"
#include "pool/access/request_id.h"
#include "pool/http/request.h"
#include "pool/sys/log_file.h"
#include "pool/sys/rate_limit.h"
#include "pool/worker/answer_watcher.h"

namespace hydrapool::access {

struct LogConfig {
  std::string path{};  ///< "-": standard output; empty or "off": there is no access log
  Format format = Format::kCombined;
  std::shared_ptr<sys::LogFile> file{};  ///< open before the workers are made; null: there is no access log
  bool request_id_header = false;        ///< X-Request-Id in answers
};

/// The access log: a line for each request that a worker has answered, written when the last byte of its
/// answer is the kernel's, before the connection goes on. One write(2) of a whole line; a reader who does not
/// take it at once, or a disk that is full, costs the line, which is counted
/// (hydrapool_access_log_dropped_total) and told of in the log.
///
/// When workers die, each answered request still has its line: what is to be said of it lies in its
/// connection's docket, and who finishes the answer writes it (`rescued`). A worker that dies between the
/// write and the store which notes it, a few instructions, has the line written twice, with the same id. So:
/// at least once, not at most.
///
/// A client that leaves before its answer is whole has a line (`cut`; status 499 if there was no answer yet),
/// and so has a request that is refused unread (it has no method), or whose time is up. No line: the 503 that
/// the parent itself says where no worker came in time, and an answer that breaks off by a worker's death.
/// Those are in /fates.json.
///
/// Also keeps each program's request id, whether there is a log or not, and notes who was so fast or slow
/// (Exemplars). One for each worker.
class Log final : public AnswerWatcher {
 public:
  Log(WorkerContext& worker, LogConfig config);

  /// An entry is wanted for every request, not only for those of programs.
  [[nodiscard]] bool on() const { return config_.file != nullptr; }
  [[nodiscard]] bool has_header() const { return config_.request_id_header; }

  /// The id of the request in hand: what a worker before has noted, what its client gave, or a new one.
  [[nodiscard]] std::string IdOf(const Connection& connection, const http::Request& request);
  /// The id of a request that could not be read, or whose answer was owed when this worker got it.
  [[nodiscard]] std::string IdOf(const Connection& connection, std::string_view input);
  /// Who asks, as far as it is known, and for which part of the site (Reply::part).
  struct Asked {
    std::string client = {};
    std::string user = {};
    std::uint8_t part = 0;
  };
  /// Fills and opens the docket, where no worker has done it before.
  void Open(Connection& connection, const http::Request& request, std::string_view id, const Asked& asked);
  /// The same for what could not be read as a request: its first line.
  void OpenUnread(const Connection& connection, std::string_view input);

  void OnAnswering(Connection& connection, std::string_view first_bytes) override;
  void OnPassedOn(Connection& connection) override;
  void OnAnswered(Connection& connection, const Answered& answered) override;

 private:
  Entry& Begin(const Connection& connection);
  void NoteExemplar(const Entry& entry, sys::Nanos duration);
  void Put(const std::string& line);

  WorkerContext& worker_;
  const LogConfig config_;
  RequestIds ids_;
  sys::RateLimit tells_{1, 10 * sys::kSecond};
  std::uint64_t dropped_ = 0;
};

}  // namespace hydrapool::access
