#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace hydrapool::sys {

/// Memory that children made by fork() share, zeroed; pages that are never touched cost nothing. It lies in
/// the SharedHeap in use, if there is one; there it may be `found`, as the program before has left it. Throws
/// std::system_error if it cannot be had. Unmapped by its owner's destruction (each process has its own
/// mapping).
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t bytes);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool found() const { return found_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  bool found_ = false;
};

/// `count` value-initialised Ts in shared memory, or those that were found there. T holds only what means the
/// same in every process: no pointers, no locks.
template <typename T>
class SharedArray {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  explicit SharedArray(std::size_t count)
      : memory_(count * sizeof(T)), items_(Construct(memory_, count), count) {}
  [[nodiscard]] T& operator[](std::size_t i) const { return items_[i]; }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] std::span<T> items() const { return items_; }
  [[nodiscard]] bool found() const { return memory_.found(); }

 private:
  static T* Construct(const SharedMemory& memory, std::size_t count) {
    std::byte* at = memory.data();
    // Zeroed pages are left untouched where zeros are a valid T.
    if constexpr (!std::is_trivially_default_constructible_v<T>) {
      for (std::size_t i = 0; i < count && !memory.found(); ++i) new (at + i * sizeof(T)) T();
    }
    return std::launder(reinterpret_cast<T*>(at));
  }
  SharedMemory memory_;
  std::span<T> items_;
};

}  // namespace hydrapool::sys
