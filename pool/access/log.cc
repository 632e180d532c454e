#include "pool/access/log.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "pool/shared/scoreboard.h"
#include "pool/sys/log.h"
#include "pool/sys/real_time.h"
#include "pool/worker/worker_desk.h"

namespace hydrapool::access {
namespace {

using Text = Entry::Text;

/// "127.0.0.1" of "127.0.0.1:40112" and "::1" of "[::1]:40112".
std::string_view AddressOf(std::string_view peer) {
  peer = peer.substr(0, peer.rfind(':'));
  return peer.starts_with('[') && peer.ends_with(']') ? peer.substr(1, peer.size() - 2) : peer;
}

}  // namespace

Log::Log(WorkerContext& worker, LogConfig config) : worker_(worker), config_(std::move(config)) {
  worker.internals.watcher = this;
}

std::string Log::IdOf(const Connection& connection, const http::Request& request) {
  if (connection.docket().open()) return std::string(Entry::Of(connection).Get(Text::kId));
  const auto given = request.Find("X-Request-Id");
  return given && IsSaneRequestId(*given) ? std::string(*given) : ids_.Next();
}

std::string Log::IdOf(const Connection& connection, std::string_view input) {
  if (!connection.docket().open()) OpenUnread(connection, input);
  return std::string(Entry::Of(connection).Get(Text::kId));
}

Entry& Log::Begin(const Connection& connection) {
  Entry& entry = *new (connection.docket().bytes().data()) Entry;
  entry.begun = worker_.loop.now();
  entry.worker = ::getpid();
  return entry;
}

void Log::Open(Connection& connection, const http::Request& request, std::string_view id,
               const Asked& asked) {
  if (connection.docket().open()) {
    Entry& entry = Entry::Of(connection);
    if (entry.worker == 0) entry.worker = ::getpid();  // it was passed on
    entry.again = entry.again || entry.worker != ::getpid();
    entry.answering = false;
    entry.status = 0;
    return;
  }
  Entry& entry = Begin(connection);
  entry.minor_version = static_cast<std::uint8_t>(request.minor_version);
  entry.part = asked.part;
  entry.Set(Text::kId, id);
  entry.Set(Text::kMethod, request.method);
  entry.Set(Text::kTarget, request.target);
  if (on()) {
    entry.Set(Text::kClient, asked.client);
    entry.Set(Text::kUser, asked.user);
    entry.Set(Text::kReferer, request.Find("Referer").value_or(""));
    entry.Set(Text::kAgent, request.Find("User-Agent").value_or(""));
  }
  connection.docket().Open();
}

void Log::OpenUnread(const Connection& connection, std::string_view input) {
  Entry& entry = Begin(connection);
  entry.Set(Text::kId, ids_.Next());
  const std::string peer = connection.peer();
  entry.Set(Text::kClient, AddressOf(peer));
  entry.Set(Text::kTarget, input.substr(0, input.find_first_of("\r\n")));
  connection.docket().Open();
}

void Log::OnAnswering(Connection& connection, std::string_view first_bytes) {
  if (!connection.docket().open()) {
    if (!on()) return;
    OpenUnread(connection, {});
  }
  Entry::Of(connection).NoteAnswer(first_bytes, connection.total_sent());
}

void Log::OnPassedOn(Connection& connection) { Entry::Of(connection).worker = 0; }

void Log::NoteExemplar(const Entry& entry, sys::Nanos duration) {
  if (entry.status == 0 || worker_.internals.scoreboard == nullptr) return;
  worker_.internals.scoreboard->exemplars().Note(entry.status / 100,
                                                 {.part = entry.part,
                                                  .duration = duration,
                                                  .at = sys::RealTime(),
                                                  .id = std::string(entry.Get(Text::kId))});
}

void Log::OnAnswered(Connection& connection, const Answered& answered) {
  const Entry& entry = Entry::Of(connection);
  const sys::Nanos duration = sys::Now() - entry.begun;
  if (!answered.cut) NoteExemplar(entry, duration);
  if (!on()) return;
  const std::uint64_t sent = entry.answering ? answered.total_sent - entry.answer_at : 0;
  Put(LineOf(config_.format, entry,
             {.sent = sent,
              .cut = answered.cut,
              .duration = duration,
              .ended_at = sys::RealTime(),
              .worker = static_cast<std::uint32_t>(worker_.slot),
              .incarnation = worker_.incarnation,
              .rescued = entry.again || entry.worker != ::getpid(),
              .exit = answered.process_end}));
}

void Log::Put(const std::string& line) {
  if (config_.file->Write(line)) return;
  const int error = config_.file->error();
  worker_.internals.board.access_lines_dropped.Add();
  ++dropped_;
  if (!tells_.Take(sys::Now())) return;
  sys::log::Error("access log: {} lines were dropped by this worker so far: {}", dropped_,
                  error == EAGAIN ? "its reader does not take them" : std::strerror(error));
}

}  // namespace hydrapool::access
