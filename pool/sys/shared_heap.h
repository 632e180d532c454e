#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {

/// Shared memory that outlives the program which has made it: it lies in a file of memory (memfd_create(2)),
/// and where a process executes another program in its own place, that one finds it again by its descriptor.
///
///     SharedHeap heap;                       // or SharedHeap heap(std::move(inherited), kLayout);
///     {
///       const SharedHeap::Use use(&heap);    // every SharedMemory made here lies in the heap
///       Scoreboard scoreboard(…); …          // always the same, in the same order
///     }
///     heap.Seal();                           // throws OtherLayout where it was not so
///
/// What is found is not made again: a SharedArray leaves its items as they are. Two programs agree on what
/// lies where if `layout`, a number that changes with the meaning of any record, is the same, and the number
/// and sizes of all that is taken.
class SharedHeap {
 public:
  struct OtherLayout : std::runtime_error {
    using std::runtime_error::runtime_error;
  };

  /// A new one. Throws std::system_error.
  explicit SharedHeap(std::uint64_t layout);
  /// The one that the program before has left. Throws OtherLayout.
  SharedHeap(UniqueFd found, std::uint64_t layout);
  ~SharedHeap();
  SharedHeap(const SharedHeap&) = delete;
  SharedHeap& operator=(const SharedHeap&) = delete;

  [[nodiscard]] bool found() const { return found_; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  void Seal();

  /// While one stands, SharedMemory of this process is taken from its heap. One at a time.
  class Use {
   public:
    /// nullptr: none; SharedMemory is its maker's own.
    explicit Use(SharedHeap* heap);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
  };
  /// nullptr: none is in use.
  [[nodiscard]] static SharedHeap* InUse();

  /// The next piece, mapped; it is its taker's to unmap.
  std::byte* Take(std::size_t bytes);

 private:
  struct Header {
    std::uint64_t magic;
    std::uint64_t layout;
    std::uint64_t sizes;  // of all that was taken: a number that says whether they were the same
  };
  std::byte* Map(std::size_t bytes);

  UniqueFd fd_;
  bool found_ = false;
  std::uint64_t layout_;
  std::size_t end_ = 0;
  std::uint64_t sizes_ = 0;
  Header* header_ = nullptr;
};

}  // namespace hydrapool::sys
