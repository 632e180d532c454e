#include "pool/files/handler.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

#include "pool/shared/body_budget.h"
#include "pool/sys/clock.h"
#include "pool/sys/failpoint.h"
#include "pool/worker/worker_desk.h"

namespace hydrapool::files {
namespace {

constexpr sys::Nanos kAlone = sys::kSecond;
constexpr std::size_t kMostAlone = 1024;
constexpr std::size_t kWhole = std::size_t{48} * 1024;  // of text and file, read at once

struct Coding {
  std::string_view name;
  std::string_view ending;
};
constexpr std::array<Coding, 2> kCodings{{{"br", ".br"}, {"gzip", ".gz"}}};

bool IsOlder(const struct stat& a, const struct stat& b) {
  return std::pair(a.st_mtim.tv_sec, a.st_mtim.tv_nsec) < std::pair(b.st_mtim.tv_sec, b.st_mtim.tv_nsec);
}

bool ReadAt(int file, char* into, const ByteRange& range) {
  for (std::uint64_t got = 0; got < range.length;) {
    const ssize_t count = ::pread(file, into + got, range.length - got, static_cast<off_t>(range.at + got));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    got += static_cast<std::uint64_t>(count);
  }
  return true;
}

/// The whole answer; empty: the file has become shorter.
std::optional<std::string> Whole(const Answer& answer, int file) {
  std::string bytes;
  bytes.reserve(answer.text_size() + answer.part_size());
  for (const auto& [text, part] : answer.pieces) {
    bytes += text;
    const std::size_t at = bytes.size();
    bytes.resize(at + part.length);
    if (!ReadAt(file, bytes.data() + at, part)) return std::nullopt;
  }
  bytes += answer.end;
  return bytes;
}

}  // namespace

Handler::Handler(WorkerContext& worker, const std::string& extra_lines)
    : worker_(worker), extra_lines_(extra_lines) {}

tl::expected<Handler::Opened, cgi::Refusal> Handler::Open(const http::Request& request,
                                                          cgi::FileFound& found) {
  struct stat info = found.info;
  Opened opened;
  if (found.file) {
    opened.file = std::move(found.file);
  } else {
    auto file = found.tree->OpenRegular(found.below, info);
    if (!file) return tl::unexpected(file.error());
    opened.file = std::move(*file);
  }
  opened.facts.type = types_.Of(found.below);
  struct stat chosen = info;
  const sys::Nanos now = worker_.loop.now();
  const Place place(found.tree, found.below);
  if (const auto alone = alone_.find(place); alone == alone_.end() || alone->second < now) {
    ChooseSibling(request, found, chosen, opened);
    if (alone_.size() >= kMostAlone) alone_.clear();
    if (!opened.facts.varies) alone_[place] = now + kAlone;
  }
  opened.facts.size = static_cast<std::uint64_t>(chosen.st_size);
  opened.facts.validators = {.tag = fmt::format("\"{:x}-{:x}-{:x}{:08x}\"", chosen.st_ino, chosen.st_size,
                                                chosen.st_mtim.tv_sec, chosen.st_mtim.tv_nsec),
                             .modified = chosen.st_mtim.tv_sec,
                             .settled = chosen.st_mtim.tv_sec + 1 < ::time(nullptr)};
  return opened;
}

void Handler::ChooseSibling(const http::Request& request, const cgi::FileFound& found, struct stat& chosen,
                            Opened& opened) const {
  const struct stat itself = chosen;
  for (const Coding& coding : kCodings) {
    if (found.below.ends_with(coding.ending)) break;
    struct stat other {};
    auto sibling = found.tree->OpenBeside(opened.file.get(), found.below + std::string(coding.ending), other);
    if (!sibling || IsOlder(other, itself)) continue;
    opened.facts.varies = true;
    if (!opened.facts.coding.empty() || !Accepts(request, coding.name)) continue;
    opened.facts.coding = coding.name;
    opened.file = std::move(*sibling);
    chosen = other;
  }
}

Answer Handler::AnswerTo(const http::Request& request, const FileFacts& facts, bool keep_alive,
                         std::string_view lines) {
  std::string boundary;
  if (request.Find("Range"))
    boundary = fmt::format("hydrapool-{:x}-{:x}-{:x}", ::getpid(), sys::Now(), ++boundaries_);
  return AnswerFor(request, facts,
                   {.keep_alive = keep_alive,
                    .date = date_.At(worker_.loop.now()),
                    .extra_lines = lines,
                    .boundary = boundary});
}

Reply Handler::Refuse(const http::Request& request, std::size_t consume, const cgi::Refusal& refusal,
                      bool keep_alive, std::string_view lines) {
  return {.consume = consume,
          .bytes = http::ErrorResponse(refusal.status, keep_alive, request.method == "HEAD", "",
                                       date_.At(worker_.loop.now()), request.minor_version, lines),
          .keep_open = keep_alive,
          .kind = static_cast<std::uint8_t>(refusal.status / 100)};
}

Reply Handler::ReadWhole(const http::Request& request, const Answer& answer, int file, std::size_t consume,
                         bool keep, std::string_view lines) {
  auto bytes = Whole(answer, file);
  if (!bytes) return Refuse(request, consume, {500, "the file is being changed"}, keep, lines);
  return {.consume = consume,
          .bytes = std::move(*bytes),
          .keep_open = keep,
          .kind = static_cast<std::uint8_t>(answer.status / 100)};
}

Decision Handler::OnRequest(const Connection& connection, const http::Request& request, cgi::FileFound found,
                            std::size_t consume, std::optional<Prepared>& prepared) {
  const bool keep = request.keep_alive && consume > 0 && !connection.IsLast(consume);
  auto opened = Open(request, found);
  if (!opened) return Refuse(request, consume, opened.error(), keep, extra_lines_);
  Answer answer = AnswerTo(request, opened->facts, keep, extra_lines_);
  if (answer.text_size() + answer.part_size() <= kWhole)
    return ReadWhole(request, answer, opened->file.get(), consume, keep, extra_lines_);
  prepared = Prepared{std::move(opened->file), std::move(answer), consume, keep};
  return Start{};
}

std::optional<Reply> Handler::AnswerWhole(const Connection& connection, const http::Request& request,
                                          cgi::FileFound found, std::size_t consume, std::string_view lines) {
  const bool keep = request.keep_alive && consume > 0 && !connection.IsLast(consume);
  auto opened = Open(request, found);
  if (!opened) return Refuse(request, consume, opened.error(), keep, lines);
  const Answer answer = AnswerTo(request, opened->facts, keep, lines);
  if (answer.text_size() + answer.part_size() > kWhole) return std::nullopt;
  return ReadWhole(request, answer, opened->file.get(), consume, keep, lines);
}

Begun Handler::Begin(Exchange& exchange, const http::Request& request, Prepared prepared) {
  const auto& [file, answer, consume, keep] = prepared;
  RequestProcess& process = exchange.process();
  if (answer.text_size() > kMostText)
    return Refuse(request, consume, {500, "too long a head"}, keep, extra_lines_);
  if (!process.bodies().Begin(process.lease(), worker_.internals.most_processes))
    return Refuse(request, consume, {503, "as many files are on their way as may at once"}, keep,
                  extra_lines_);
  NoteAnswer(exchange, answer, consume, keep);
  if (!process.HoldBody(std::move(prepared.file))) {
    process.bodies().End(process.lease());
    return Refuse(request, consume, {503, "the pool's parent is too busy"}, keep, extra_lines_);
  }
  HYDRAPOOL_FAILPOINT("files.held");
  auto sender = std::make_unique<FileSender>(exchange);
  sender->Start();
  return sender;
}

}  // namespace hydrapool::files
