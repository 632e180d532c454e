// What it costs to hand a connection to another process: passed by descriptor, one or several to a message,
// against the other process accepting by itself. Real connections over loopback, reset by the client when
// they are done, so that neither ports nor TIME_WAIT run out. Connecting is not timed; what is timed ends
// when the other process has them all.
#include <benchmark/benchmark.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <vector>

#include "pool/sys/bench_cpu.h"
#include "pool/sys/channel.h"
#include "pool/sys/child.h"
#include "pool/sys/shared_memory.h"
#include "pool/sys/socket.h"

namespace {

constexpr std::size_t kAtOnce = 240;  // connections open at once: divisible by every batch

struct Shared {
  std::atomic<std::uint64_t> taken{0};
};

void WaitFor(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  ::poll(&waiting, 1, -1);
}

/// Opens and drops connections; a reset at close.
class Clients {
 public:
  explicit Clients(int listener) : size_(sizeof address_) {
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address_), &size_);
  }
  void Connect() {
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      hydrapool::sys::UniqueFd fd(
          hydrapool::sys::Check(::socket(address_.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
      const linger reset{1, 0};
      ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      hydrapool::sys::Check(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address_), size_),
                            "connect");
      fds_.push_back(std::move(fd));
    }
  }
  void Drop() { fds_.clear(); }

 private:
  sockaddr_storage address_{};
  socklen_t size_;
  std::vector<hydrapool::sys::UniqueFd> fds_;
};

/// Sleeps until the other process has taken `count` connections in all.
void Await(const Shared& shared, const hydrapool::sys::Channel& replies, std::uint64_t count) {
  std::array<std::byte, hydrapool::sys::Channel::kMaxPacket> buffer;
  while (shared.taken.load() < count) {
    WaitFor(replies.fd());
    while (const auto packet = replies.Receive(buffer)) {
      if (packet->bytes.empty()) return;
    }
  }
}

/// The other process says so when it has taken another kAtOnce.
void Count(Shared& shared, const hydrapool::sys::Channel& replies, std::uint64_t more) {
  const std::uint64_t before = shared.taken.fetch_add(more);
  constexpr std::array byte{std::byte{1}};
  if (before / kAtOnce != (before + more) / kAtOnce) replies.Send(byte, {});
}

void Report(benchmark::State& state, const hydrapool::sys::CpuOfBoth& cpu) {
  const auto handed = static_cast<double>(state.iterations()) * kAtOnce;
  state.SetItemsProcessed(static_cast<std::int64_t>(handed));
  state.counters["per_connection"] =
      benchmark::Counter(handed, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["cpu_of_both"] = benchmark::Counter(cpu.seconds() / handed);
}

// The parent accepts and passes `batch` descriptors to a message. Only accepting, passing and taking is
// timed.
void PassedByDescriptor(benchmark::State& state) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  const hydrapool::sys::UniqueFd listener = hydrapool::sys::Listen("127.0.0.1:0");
  const hydrapool::sys::SharedArray<Shared> shared(1);
  auto [ours, theirs] = hydrapool::sys::MakeChannel();
  const hydrapool::sys::Child child = hydrapool::sys::Child::Fork([&, &mine = theirs, &other = ours] {
    other.Close();
    std::array<std::byte, hydrapool::sys::Channel::kMaxPacket> buffer;
    for (;;) {
      WaitFor(mine.fd());
      while (const auto packet = mine.Receive(buffer)) {
        if (packet->bytes.empty()) return 0;
        Count(shared[0], mine, packet->descriptors.size());
      }
    }
  });
  theirs.Close();
  Clients clients(listener.get());
  hydrapool::sys::CpuOfBoth cpu(child.pid());
  std::uint64_t handed = 0;
  for (auto _ : state) {
    state.PauseTiming();
    clients.Connect();
    cpu.Start();
    state.ResumeTiming();
    std::vector<hydrapool::sys::UniqueFd> accepted;
    std::vector<int> descriptors;
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      accepted.push_back(hydrapool::sys::Accept(listener.get()).fd);
      descriptors.push_back(accepted.back().get());
      bytes.resize(bytes.size() + 20);  // as large as the pool's record of a lease
      if (descriptors.size() < batch) continue;
      while (ours.Send(bytes, descriptors) == hydrapool::sys::Channel::SendStatus::kFull) {
        pollfd room{ours.fd(), POLLOUT, 0};
        ::poll(&room, 1, -1);
      }
      descriptors.clear();
      bytes.clear();
    }
    handed += kAtOnce;
    Await(shared[0], ours, handed);
    state.PauseTiming();
    cpu.Stop();
    clients.Drop();
    accepted.clear();
    state.ResumeTiming();
  }
  Report(state, cpu);
}

// The other process accepts from the shared listener by itself.
void AcceptedDirectly(benchmark::State& state) {
  const hydrapool::sys::UniqueFd listener = hydrapool::sys::Listen("127.0.0.1:0");
  const hydrapool::sys::SharedArray<Shared> shared(1);
  auto [ours, theirs] = hydrapool::sys::MakeChannel();
  const hydrapool::sys::Child child = hydrapool::sys::Child::Fork([&, &mine = theirs, &other = ours] {
    other.Close();
    std::array<std::byte, hydrapool::sys::Channel::kMaxPacket> buffer;
    std::vector<hydrapool::sys::UniqueFd> held;  // until the next round: their clients have left by then
    for (;;) {
      WaitFor(mine.fd());  // told when connections are there, so that connecting is not timed here either
      const auto packet = mine.Receive(buffer);
      if (packet && packet->bytes.empty()) return 0;
      held.clear();
      while (hydrapool::sys::UniqueFd fd = hydrapool::sys::Accept(listener.get()).fd) {
        held.push_back(std::move(fd));
        Count(shared[0], mine, 1);
      }
    }
  });
  theirs.Close();
  Clients clients(listener.get());
  hydrapool::sys::CpuOfBoth cpu(child.pid());
  std::uint64_t handed = 0;
  constexpr std::array byte{std::byte{1}};
  for (auto _ : state) {
    state.PauseTiming();
    clients.Connect();
    cpu.Start();
    state.ResumeTiming();
    ours.Send(byte, {});
    handed += kAtOnce;
    Await(shared[0], ours, handed);
    state.PauseTiming();
    cpu.Stop();
    clients.Drop();
    state.ResumeTiming();
  }
  Report(state, cpu);
}

BENCHMARK(AcceptedDirectly)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(PassedByDescriptor)->Arg(1)->Arg(8)->Arg(60)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
