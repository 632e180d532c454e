#include "pool/simulation/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "pool/simulation/world.h"

namespace hydrapool::simulation {
namespace {

std::uint64_t Digest(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

std::string ProgramAnswer(ProgramManner manner, std::uint32_t id, std::uint32_t size, std::string_view body) {
  if (manner == ProgramManner::kEchoes) return std::string(body);
  std::string answer = Request{.id = id, .size = size}.Answer();
  if (manner == ProgramManner::kReads) answer += fmt::format("{} {:x}\n", body.size(), Digest(body));
  return answer;
}

Program::Program(World& world, Process& process, std::string_view query)
    : world_(world), process_(process), manner_(static_cast<ProgramManner>(query[0])) {
  std::uint32_t promises = 0;
  const char* at = query.data() + 2;
  for (std::uint32_t* number : {&id_, &size_, &promises})
    at = std::from_chars(at, query.data() + query.size(), *number).ptr + 1;
  if (world.random.OneIn(4)) pauses_ = 3;
  promises_ = promises != 0 && manner_ != ProgramManner::kEchoes;
}

bool Program::Reads() const {
  return !input_over_ && !Ignores() && process_.file(0) != nullptr &&
         (process_.file(0)->Ready() & (EPOLLIN | EPOLLHUP)) != 0;
}

bool Program::CanAct() const {
  if (pauses_until_ > world_.now) return false;
  if (to_write_.empty()) return Reads() || input_over_ || Ignores();
  return Reads() || (process_.file(1)->Ready() & (EPOLLOUT | EPOLLERR)) != 0;
}

void Program::Act() {
  world_.trace.Add(world_.steps, process_.pid, "program", static_cast<std::int64_t>(input_.size()),
                   static_cast<std::int64_t>(to_write_.size()));
  if (pauses_ > 0 && world_.random.OneIn(3)) {
    --pauses_;
    pauses_until_ = world_.now + static_cast<Nanos>(world_.random.Below(400 * sys::kMillisecond));
    return;
  }
  if (Reads() && (to_write_.empty() || world_.random.OneIn(2))) return Read();
  if (!to_write_.empty()) return Write();
  if (Ignores() && !input_over_) {
    process_.files().erase(0);
    input_over_ = true;
    return;
  }
  if (!head_written_ && manner_ == ProgramManner::kRedirects) {
    head_written_ = body_known_ = true;
    to_write_ = fmt::format("Location: /cgi-bin/p?n.{}.{}.0\n\n", id_, size_);
    return;
  }
  if (!head_written_) {
    head_written_ = true;
    to_write_ = "Content-Type: text/plain\n";
    if (promises_)
      to_write_ += fmt::format("Content-Length: {}\n", ProgramAnswer(manner_, id_, size_, input_).size());
    to_write_ += '\n';
    return;
  }
  if (!body_known_ && manner_ != ProgramManner::kEchoes) {
    body_known_ = true;
    to_write_ = ProgramAnswer(manner_, id_, size_, input_);
    return;
  }
  // Its answer is whole without its end, and the next request may come before that.
  if (promises_ && !std::exchange(cleans_up_, true) && world_.random.OneIn(3)) {
    pauses_until_ = world_.now + static_cast<Nanos>(world_.random.Below(400 * sys::kMillisecond));
    return;
  }
  process_.state = Process::State::kDying;
}

void Program::Read() {
  std::array<char, 8192> piece;
  const ssize_t count = process_.file(0)->Read(piece.data(), world_.random.Some(piece.size()));
  if (count <= 0) {
    input_over_ = true;
    return;
  }
  const std::string_view came(piece.data(), static_cast<std::size_t>(count));
  input_ += came;
  if (manner_ != ProgramManner::kEchoes) return;
  if (!head_written_) to_write_ += "Content-Type: text/plain\n\n";
  head_written_ = true;
  to_write_ += came;
}

void Program::Write() {
  const ssize_t count = process_.file(1)->Write(to_write_.data(), world_.random.Some(to_write_.size()));
  if (count == -EPIPE) {
    world_.Kill(process_, SIGPIPE);
  } else if (count > 0) {
    to_write_.erase(0, static_cast<std::size_t>(count));
  }
}

}  // namespace hydrapool::simulation
