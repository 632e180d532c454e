// Whether memory for requests and answers from std::pmr pools is worth it: each benchmark once with malloc
// and once with a pool, over the sizes that a worker deals with.
#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <memory_resource>
#include <string>
#include <vector>

namespace {

using std::pmr::memory_resource;

/// What `new` does: malloc.
struct Malloc {
  memory_resource* resource = std::pmr::new_delete_resource();
  void EndRequest() {}
};

/// Blocks of each size are kept for the next that wants one.
struct Pool {
  std::pmr::unsynchronized_pool_resource pool;
  memory_resource* resource = &pool;
  void EndRequest() {}
};

/// One buffer, from which all of a request's memory is cut; taken back at its end.
struct Arena {
  std::array<std::byte, 8 * 1024> buffer;
  std::pmr::monotonic_buffer_resource arena{buffer.data(), buffer.size()};
  memory_resource* resource = &arena;
  void EndRequest() { arena.release(); }
};

// As Site::Respond makes one: a line or two, a head, a body of `size` bytes behind it.
template <typename Memory>
void Answer(benchmark::State& state) {
  const std::string body(static_cast<std::size_t>(state.range(0)), 'x');
  Memory memory;
  for (auto _ : state) {
    {
      std::pmr::string lines("X-Request-Id: 0123456789abcdef0123456789abcdef\r\n", memory.resource);
      std::pmr::string bytes(memory.resource);
      bytes.reserve(256 + body.size());
      bytes += "HTTP/1.1 200 OK\r\nDate: Sun, 29 Nov 2026 21:00:00 GMT\r\nContent-Type: text/plain\r\n";
      bytes += lines;
      bytes += "Content-Length: 65536\r\n\r\n";
      bytes += body;
      benchmark::DoNotOptimize(bytes.data());
    }
    memory.EndRequest();
  }
}

// As a worker that takes up and drops connections, in an order that is not that of their coming.
template <typename Memory>
void Connections(benchmark::State& state) {
  constexpr std::size_t kOpen = 1000;
  constexpr std::size_t kSize = 640;  // a LeasedConnection's
  Memory memory;
  std::vector<void*> open(kOpen);
  for (void*& each : open) each = memory.resource->allocate(kSize);
  std::size_t at = 0;
  for (auto _ : state) {
    at = (at + 617) % kOpen;
    memory.resource->deallocate(open[at], kSize);
    open[at] = memory.resource->allocate(kSize);
    *static_cast<char*>(open[at]) = 1;
    benchmark::DoNotOptimize(open[at]);
  }
  for (void* each : open) memory.resource->deallocate(each, kSize);
}

BENCHMARK(Answer<Malloc>)->Name("answer/malloc")->Arg(6)->Arg(4096)->Arg(65536);
BENCHMARK(Answer<Pool>)->Name("answer/pool")->Arg(6)->Arg(4096)->Arg(65536);
BENCHMARK(Answer<Arena>)->Name("answer/arena")->Arg(6)->Arg(4096)->Arg(65536);
BENCHMARK(Connections<Malloc>)->Name("connections/malloc");
BENCHMARK(Connections<Pool>)->Name("connections/pool");

}  // namespace
