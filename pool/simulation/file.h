#pragma once

#include <sys/epoll.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What a descriptor refers to in the simulated kernel, shared by all processes that hold a copy. It ends
/// with the last copy.
namespace hydrapool::simulation {

class Epoll;

class File {
 public:
  File() { ++open_; }
  virtual ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  /// EPOLLIN, EPOLLOUT … as poll(2) would say now.
  [[nodiscard]] virtual std::uint32_t Ready() const = 0;
  /// read(2) and write(2): a count or -errno.
  virtual ssize_t Read(char* into, std::size_t size);
  virtual ssize_t Write(const char* bytes, std::size_t size);

  /// All files of all processes: what is left when everything has ended is a leak.
  [[nodiscard]] static std::size_t open() { return open_; }

 protected:
  /// Something happened here for which an epoll may wait.
  void Wake();

 private:
  friend class Epoll;
  std::vector<Epoll*> watchers_;
  static std::size_t open_;
};
using FileRef = std::shared_ptr<File>;

/// epoll(7), level- and edge-triggered.
class Epoll final : public File {
 public:
  ~Epoll() override;
  [[nodiscard]] std::uint32_t Ready() const override { return AnyReady() ? EPOLLIN : 0u; }

  int Control(int operation, int fd, const FileRef& file, const epoll_event* event);
  /// Takes at most `most` events.
  int Take(epoll_event* events, int most);
  [[nodiscard]] bool AnyReady() const;

 private:
  friend class File;
  struct Entry {
    int fd = -1;
    File* file = nullptr;
    epoll_event event{};
    bool queued = false;
  };
  void Wake(const File& file);
  void Forget(const File& file);
  void Unwatch(File& file);
  [[nodiscard]] static std::uint32_t Seen(const Entry& entry);

  std::vector<Entry> entries_;
};

/// eventfd(2).
class EventCounter final : public File {
 public:
  [[nodiscard]] std::uint32_t Ready() const override { return EPOLLOUT | (count_ > 0 ? EPOLLIN : 0u); }
  ssize_t Read(char* into, std::size_t size) override;
  ssize_t Write(const char* bytes, std::size_t size) override;

 private:
  std::uint64_t count_ = 0;
};

/// A pidfd: readable once its process is a zombie.
class ProcessFile final : public File {
 public:
  explicit ProcessFile(int of) : pid(of) {}
  [[nodiscard]] std::uint32_t Ready() const override { return dead_ ? EPOLLIN : 0u; }
  void Die() {
    dead_ = true;
    Wake();
  }
  const int pid;

 private:
  bool dead_ = false;
};

struct PipeBuffer;

/// One end of a pipe(2).
class PipeEnd final : public File {
 public:
  PipeEnd(std::shared_ptr<PipeBuffer> pipe, bool reads);
  ~PipeEnd() override;
  [[nodiscard]] std::uint32_t Ready() const override;
  ssize_t Read(char* into, std::size_t size) override;
  ssize_t Write(const char* bytes, std::size_t size) override;
  /// The bytes in the pipe, to be looked at.
  [[nodiscard]] const std::string& bytes() const;
  [[nodiscard]] bool reads() const { return reads_; }
  /// -EAGAIN, -EPIPE or how much can be written.
  [[nodiscard]] ssize_t Room() const;

 private:
  std::shared_ptr<PipeBuffer> pipe_;
  const bool reads_;
};
struct PipeBuffer {
  std::string bytes;
  std::size_t limit = 65'536;
  std::vector<PipeEnd*> ends;
  [[nodiscard]] bool Has(bool reads) const;
};
struct Pipe {
  std::shared_ptr<PipeEnd> read;
  std::shared_ptr<PipeEnd> write;
};
Pipe MakePipe(std::size_t limit);

/// One end of a socketpair of packets, with descriptors passed along.
class PacketEnd final : public File {
 public:
  struct Packet {
    std::string bytes;
    std::vector<FileRef> files;
  };
  explicit PacketEnd(std::size_t limit) : limit_(limit) {}
  ~PacketEnd() override;
  static void Connect(PacketEnd& a, PacketEnd& b);

  [[nodiscard]] std::uint32_t Ready() const override;
  /// 0 or -errno.
  int Send(Packet packet);
  /// nullopt: would block. Empty: the other end is closed. `lost`: it was closed with packets unread.
  std::optional<Packet> Receive(bool& lost);
  /// The same, and the packet stays.
  std::optional<Packet> Peek(bool& lost);

 private:
  const std::size_t limit_;
  PacketEnd* other_ = nullptr;
  std::deque<Packet> queue_;
  bool lost_ = false;
};

}  // namespace hydrapool::simulation
