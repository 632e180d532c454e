#include "pool/simulation/file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace hydrapool::simulation {

std::size_t File::open_ = 0;

File::~File() {
  for (Epoll* watcher : std::exchange(watchers_, {})) watcher->Forget(*this);
  --open_;
}

ssize_t File::Read(char*, std::size_t) { return -EINVAL; }
ssize_t File::Write(const char*, std::size_t) { return -EINVAL; }

void File::Wake() {
  for (Epoll* watcher : watchers_) watcher->Wake(*this);
}

Epoll::~Epoll() {
  for (const Entry& entry : entries_) std::erase(entry.file->watchers_, this);
}

int Epoll::Control(int operation, int fd, const FileRef& file, const epoll_event* event) {
  const auto found = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return entry.fd == fd && entry.file == file.get(); });
  if (operation == EPOLL_CTL_ADD) {
    if (found != entries_.end()) return EEXIST;
    entries_.push_back({fd, file.get(), *event, true});
    file->watchers_.push_back(this);
  } else {
    if (found == entries_.end()) return ENOENT;
    if (operation == EPOLL_CTL_MOD) {
      found->event = *event;
      found->queued = true;
    } else {
      File& watched = *found->file;
      entries_.erase(found);
      Unwatch(watched);
    }
  }
  return 0;
}

// One entry less: a file is listed once for each entry.
void Epoll::Unwatch(File& file) {
  const auto at = std::ranges::find(file.watchers_, this);
  if (at != file.watchers_.end()) file.watchers_.erase(at);
}

std::uint32_t Epoll::Seen(const Entry& entry) {
  return entry.file->Ready() & (entry.event.events | EPOLLHUP | EPOLLERR);
}

int Epoll::Take(epoll_event* events, int most) {
  int count = 0;
  for (Entry& entry : entries_) {
    if (count == most) break;
    if (!entry.queued) continue;
    const std::uint32_t seen = Seen(entry);
    if (seen == 0) {
      entry.queued = false;
      continue;
    }
    events[count].events = seen;
    events[count++].data = entry.event.data;
    if ((entry.event.events & EPOLLET) != 0) entry.queued = false;
  }
  return count;
}

bool Epoll::AnyReady() const {
  return std::ranges::any_of(entries_, [](const Entry& entry) { return entry.queued && Seen(entry) != 0; });
}

void Epoll::Wake(const File& file) {
  bool any = false;
  for (Entry& entry : entries_) {
    if (entry.file == &file) any = entry.queued = true;
  }
  if (any) File::Wake();
}

void Epoll::Forget(const File& file) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.file == &file; });
}

ssize_t EventCounter::Read(char* into, std::size_t size) {
  if (size < sizeof count_) return -EINVAL;
  if (count_ == 0) return -EAGAIN;
  std::memcpy(into, &count_, sizeof count_);
  count_ = 0;
  return sizeof count_;
}

ssize_t EventCounter::Write(const char* bytes, std::size_t size) {
  std::uint64_t more = 0;
  if (size < sizeof more) return -EINVAL;
  std::memcpy(&more, bytes, sizeof more);
  count_ += more;
  Wake();
  return sizeof more;
}

bool PipeBuffer::Has(bool reads) const {
  return std::ranges::any_of(ends, [reads](const PipeEnd* end) { return end->reads() == reads; });
}

PipeEnd::PipeEnd(std::shared_ptr<PipeBuffer> pipe, bool reads) : pipe_(std::move(pipe)), reads_(reads) {
  pipe_->ends.push_back(this);
}

PipeEnd::~PipeEnd() {
  std::erase(pipe_->ends, this);
  for (PipeEnd* end : pipe_->ends) end->Wake();
}

const std::string& PipeEnd::bytes() const { return pipe_->bytes; }

std::uint32_t PipeEnd::Ready() const {
  if (reads_)
    return (pipe_->bytes.empty() ? 0u : EPOLLIN) | (pipe_->Has(false) ? 0u : std::uint32_t{EPOLLHUP});
  return (pipe_->bytes.size() < pipe_->limit ? EPOLLOUT : 0u) |
         (pipe_->Has(true) ? 0u : std::uint32_t{EPOLLERR});
}

ssize_t PipeEnd::Read(char* into, std::size_t size) {
  if (!reads_) return -EBADF;
  if (pipe_->bytes.empty()) return pipe_->Has(false) ? -EAGAIN : 0;
  const std::size_t count = std::min(size, pipe_->bytes.size());
  if (into != nullptr) std::memcpy(into, pipe_->bytes.data(), count);
  pipe_->bytes.erase(0, count);
  for (PipeEnd* end : pipe_->ends) {
    if (!end->reads_) end->Wake();
  }
  return static_cast<ssize_t>(count);
}

ssize_t PipeEnd::Room() const {
  if (reads_) return -EBADF;
  if (!pipe_->Has(true)) return -EPIPE;
  if (pipe_->bytes.size() >= pipe_->limit) return -EAGAIN;
  return static_cast<ssize_t>(pipe_->limit - pipe_->bytes.size());
}

ssize_t PipeEnd::Write(const char* bytes, std::size_t size) {
  const ssize_t room = Room();
  if (room < 0) return room;
  const std::size_t count = std::min(size, static_cast<std::size_t>(room));
  pipe_->bytes.append(bytes, count);
  for (PipeEnd* end : pipe_->ends) {
    if (end->reads_) end->Wake();
  }
  return static_cast<ssize_t>(count);
}

Pipe MakePipe(std::size_t limit) {
  auto buffer = std::make_shared<PipeBuffer>();
  buffer->limit = limit;
  return {std::make_shared<PipeEnd>(buffer, true), std::make_shared<PipeEnd>(buffer, false)};
}

void PacketEnd::Connect(PacketEnd& a, PacketEnd& b) {
  a.other_ = &b;
  b.other_ = &a;
}

PacketEnd::~PacketEnd() {
  if (other_ == nullptr) return;
  other_->other_ = nullptr;
  other_->lost_ = !queue_.empty();
  other_->Wake();
}

std::uint32_t PacketEnd::Ready() const {
  const bool room = other_ != nullptr && other_->queue_.size() < other_->limit_;
  return (room ? EPOLLOUT : 0u) | (!queue_.empty() || other_ == nullptr ? EPOLLIN : 0u) |
         (other_ == nullptr ? std::uint32_t{EPOLLHUP} : 0u);
}

int PacketEnd::Send(Packet packet) {
  if (other_ == nullptr) return std::exchange(lost_, false) ? -ECONNRESET : -EPIPE;
  if (other_->queue_.size() >= other_->limit_) return -EAGAIN;
  other_->queue_.push_back(std::move(packet));
  other_->Wake();
  return 0;
}

std::optional<PacketEnd::Packet> PacketEnd::Peek(bool& lost) {
  if (queue_.empty()) return Receive(lost);
  lost = false;
  return queue_.front();
}

std::optional<PacketEnd::Packet> PacketEnd::Receive(bool& lost) {
  lost = false;
  if (!queue_.empty()) {
    Packet packet = std::move(queue_.front());
    queue_.pop_front();
    if (other_ != nullptr) other_->Wake();
    return packet;
  }
  if (other_ != nullptr) return std::nullopt;
  lost = std::exchange(lost_, false);
  return Packet{};
}

}  // namespace hydrapool::simulation
