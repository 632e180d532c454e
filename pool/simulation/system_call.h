#pragma once

#include <cerrno>

#include "pool/simulation/heap.h"
#include "pool/simulation/world.h"

/// How the simulation stands between the shipped code and the system: the linker gives it each call that the
/// test's CMakeLists.txt names (`-Wl,--wrap`). Outside a simulated process a call is the real one, and so is
/// any on a real descriptor.
namespace hydrapool::simulation {

inline constexpr int kFirstDescriptor = 1'000'000;

inline bool Simulated() { return World::current != nullptr && World::current->self != nullptr; }
inline bool Simulated(int fd) { return Simulated() && (fd >= kFirstDescriptor || fd == -1); }

/// Of a socket's client, for the trace.
inline std::int64_t PortOf(int fd) {
  const auto file = std::dynamic_pointer_cast<TcpFile>(World::current->self->file(fd));
  return file ? file->connection->port() : fd;
}

/// One system call of a simulated process: a step of the world, then its effect, in which nothing else runs.
class Call {
 public:
  explicit Call(const char* name, std::int64_t a = 0, std::int64_t b = 0) : world(*World::current) {
    world.Pass(name, a, b);
  }
  World& world;

  template <typename T = File>
  [[nodiscard]] std::shared_ptr<T> Get(int fd) const {
    return std::dynamic_pointer_cast<T>(world.self->file(fd));
  }
  [[nodiscard]] bool Interrupted() const { return world.random.OneIn(world.weather.interrupt); }
  /// A count that may be less than what was asked for.
  [[nodiscard]] std::size_t Part(std::size_t size) const {
    return size > 1 && world.random.OneIn(world.weather.short_move) ? world.random.Between(1, size) : size;
  }

 private:
  Heap::Outside outside_;
};

/// openat2(2) on the real system.
int OpenBelow(int directory, const char* path, const void* how, std::size_t size);

/// As a system call returns: -1 and errno for what is negative.
template <typename T>
T Returned(T result) {
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}

}  // namespace hydrapool::simulation
