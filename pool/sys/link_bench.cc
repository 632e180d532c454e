// What it costs to tell another process of something: the ways in which one process can hand a message, or a
// descriptor, to another. One way: 240 messages, as fast as they are taken. There and back: one at a time, so
// each time the other process must be woken. A message is 20 bytes (the pool's record of a lease) where the
// channel takes any.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "pool/sys/bench_cpu.h"
#include "pool/sys/child.h"
#include "pool/sys/error.h"
#include "pool/sys/unique_fd.h"

namespace {

using hydrapool::sys::Check;
using hydrapool::sys::UniqueFd;

constexpr std::size_t kMessage = 20;
constexpr std::size_t kAtOnce = 240;  // divisible by every batch

/// One direction between two processes that share it from before the fork. Both calls wait.
class Link {
 public:
  virtual ~Link() = default;
  virtual void Send() = 0;
  /// How many have come.
  virtual std::size_t Receive() = 0;
};

class Stream : public Link {
 public:
  void Send() override { Check(::write(out_.get(), message_.data(), kMessage), "write"); }
  std::size_t Receive() override {
    std::array<char, kMessage * 64> buffer;
    const ssize_t count = Check(::read(in_.get(), buffer.data(), buffer.size()), "read");
    left_ += static_cast<std::size_t>(count);
    return std::exchange(left_, left_ % kMessage) / kMessage;
  }

 protected:
  UniqueFd in_;
  UniqueFd out_;

 private:
  std::array<char, kMessage> message_{};
  std::size_t left_ = 0;
};

class Pipe final : public Stream {
 public:
  Pipe() {
    int ends[2];
    Check(::pipe2(ends, O_CLOEXEC), "pipe2");
    in_.Reset(ends[0]);
    out_.Reset(ends[1]);
  }
};

void ConnectPair(int type, UniqueFd& in, UniqueFd& out) {
  int ends[2];
  Check(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), "socketpair");
  in.Reset(ends[0]);
  out.Reset(ends[1]);
}

class SocketPair final : public Stream {
 public:
  SocketPair() { ConnectPair(SOCK_STREAM, in_, out_); }
};

/// Says that something is there, and no more.
class EventFd final : public Link {
 public:
  void Send() override { Check(::eventfd_write(fd_.get(), 1), "eventfd_write"); }
  std::size_t Receive() override {
    eventfd_t count = 0;
    Check(::eventfd_read(fd_.get(), &count), "eventfd_read");
    return count;
  }

 private:
  UniqueFd fd_{Check(::eventfd(0, EFD_CLOEXEC), "eventfd")};
};

class PosixQueue final : public Link {
 public:
  PosixQueue() {
    mq_attr attributes{};
    attributes.mq_maxmsg = 10;  // what fs.mqueue.msg_max allows everyone
    attributes.mq_msgsize = kMessage;
    const std::string name = "/hydrapool-bench-" + std::to_string(::getpid());
    queue_ = Check(::mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attributes), "mq_open");
    ::mq_unlink(name.c_str());
  }
  ~PosixQueue() override { ::mq_close(queue_); }
  void Send() override { Check(::mq_send(queue_, message_.data(), kMessage, 0), "mq_send"); }
  std::size_t Receive() override {
    std::array<char, kMessage> buffer;
    Check(::mq_receive(queue_, buffer.data(), buffer.size(), nullptr), "mq_receive");
    return 1;
  }

 private:
  mqd_t queue_{};
  std::array<char, kMessage> message_{};
};

class SystemVQueue final : public Link {
 public:
  ~SystemVQueue() override { ::msgctl(queue_, IPC_RMID, nullptr); }
  void Send() override { Check(::msgsnd(queue_, &message_, kMessage, 0), "msgsnd"); }
  std::size_t Receive() override {
    Message received;
    Check(::msgrcv(queue_, &received, kMessage, 0, 0), "msgrcv");
    return 1;
  }

 private:
  struct Message {
    long type = 1;
    std::array<char, kMessage> bytes{};
  };
  int queue_ = Check(::msgget(IPC_PRIVATE, 0600), "msgget");
  Message message_;
};

/// Descriptors, kBatch to a packet; one that has come is closed.
template <std::size_t kBatch>
class Descriptors final : public Link {
 public:
  Descriptors() { ConnectPair(SOCK_SEQPACKET, in_, out_); }
  void Send() override {
    if (++waiting_ < kBatch) return;
    waiting_ = 0;
    std::array<int, kBatch> fds;
    fds.fill(handed_.get());
    Control control;
    msghdr packet = Packet(control);
    cmsghdr* const rights = CMSG_FIRSTHDR(&packet);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fds);
    std::memcpy(CMSG_DATA(rights), fds.data(), sizeof fds);
    Check(::sendmsg(out_.get(), &packet, 0), "sendmsg");
  }
  std::size_t Receive() override {
    Control control;
    msghdr packet = Packet(control);
    Check(::recvmsg(in_.get(), &packet, MSG_CMSG_CLOEXEC), "recvmsg");
    std::array<int, kBatch> fds;
    std::memcpy(fds.data(), CMSG_DATA(CMSG_FIRSTHDR(&packet)), sizeof fds);
    for (const int fd : fds) ::close(fd);
    return kBatch;
  }

 private:
  struct alignas(cmsghdr) Control {
    std::array<char, CMSG_SPACE(kBatch * sizeof(int))> bytes{};
  };
  msghdr Packet(Control& control) {
    part_ = {message_.data(), message_.size()};
    msghdr packet{};
    packet.msg_iov = &part_;
    packet.msg_iovlen = 1;
    packet.msg_control = control.bytes.data();
    packet.msg_controllen = control.bytes.size();
    return packet;
  }
  UniqueFd in_;
  UniqueFd out_;
  UniqueFd handed_{Check(::open("/dev/null", O_RDONLY | O_CLOEXEC), "/dev/null")};
  std::array<char, kBatch * kMessage> message_{};
  iovec part_{};
  std::size_t waiting_ = 0;
};

void Report(benchmark::State& state, const hydrapool::sys::CpuOfBoth& cpu, std::size_t each) {
  const auto messages = static_cast<double>(state.iterations()) * static_cast<double>(each);
  state.counters["per_message"] =
      benchmark::Counter(messages, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["cpu_of_both"] = benchmark::Counter(cpu.seconds() / messages);
}

template <typename Channel>
void OneWay(benchmark::State& state) {
  Channel link;
  EventFd done;
  const auto child = hydrapool::sys::Child::Fork([&] {
    for (std::size_t taken = 0;;) {
      taken += link.Receive();
      if (taken < kAtOnce) continue;
      taken -= kAtOnce;
      done.Send();
    }
    return 0;
  });
  hydrapool::sys::CpuOfBoth cpu(child.pid());
  cpu.Start();
  for (auto _ : state) {
    for (std::size_t i = 0; i < kAtOnce; ++i) link.Send();
    done.Receive();
  }
  cpu.Stop();
  Report(state, cpu, kAtOnce);
}

template <typename Channel>
void ThereAndBack(benchmark::State& state) {
  Channel there;
  Channel back;
  const auto child = hydrapool::sys::Child::Fork([&] {
    for (;;) {
      there.Receive();
      back.Send();
    }
    return 0;
  });
  hydrapool::sys::CpuOfBoth cpu(child.pid());
  cpu.Start();
  for (auto _ : state) {
    there.Send();
    back.Receive();
  }
  cpu.Stop();
  Report(state, cpu, 1);
}

BENCHMARK(OneWay<Pipe>)->Name("one_way/pipe")->UseRealTime();
BENCHMARK(OneWay<SocketPair>)->Name("one_way/socketpair")->UseRealTime();
BENCHMARK(OneWay<EventFd>)->Name("one_way/eventfd")->UseRealTime();
BENCHMARK(OneWay<PosixQueue>)->Name("one_way/POSIX queue")->UseRealTime();
BENCHMARK(OneWay<SystemVQueue>)->Name("one_way/System V queue")->UseRealTime();
BENCHMARK(OneWay<Descriptors<1>>)->Name("one_way/SCM_RIGHTS")->UseRealTime();
BENCHMARK(OneWay<Descriptors<60>>)->Name("one_way/SCM_RIGHTS x60")->UseRealTime();
BENCHMARK(ThereAndBack<Pipe>)->Name("there_and_back/pipe")->UseRealTime();
BENCHMARK(ThereAndBack<SocketPair>)->Name("there_and_back/socketpair")->UseRealTime();
BENCHMARK(ThereAndBack<EventFd>)->Name("there_and_back/eventfd")->UseRealTime();
BENCHMARK(ThereAndBack<PosixQueue>)->Name("there_and_back/POSIX queue")->UseRealTime();
BENCHMARK(ThereAndBack<SystemVQueue>)->Name("there_and_back/System V queue")->UseRealTime();
BENCHMARK(ThereAndBack<Descriptors<1>>)->Name("there_and_back/SCM_RIGHTS")->UseRealTime();

}  // namespace
