#pragma once

#include <cstddef>
#include <vector>

namespace hydrapool::simulation {

/// The private memory of one simulated process: what `new` gave while the process ran. With its death all of
/// it is gone, no destructor runs.
///
/// The test binary's operator new keeps a list of blocks for each heap. One thread only.
class Heap {
 public:
  struct Block {
    Block* before;
    Block* after;
    Heap* owner;
    std::size_t size;
  };

  Heap();
  ~Heap();  ///< frees every block
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  /// Whose memory `new` takes now; null: the simulation's own.
  static Heap* current;

  /// While it lives, `new` is the simulation's own.
  class Outside {
   public:
    Outside() : before_(current) { current = nullptr; }
    ~Outside() { current = before_; }
    Outside(const Outside&) = delete;
    Outside& operator=(const Outside&) = delete;

   private:
    Heap* before_;
  };

  /// What a fork must not change: the bytes of this heap as they are now, put back by Restore. What the child
  /// frees of them meanwhile stays. May be nested.
  void Save();
  void Restore();

 private:
  friend struct HeapAccess;
  struct Saved {
    Block* block;
    std::vector<std::byte> bytes;
  };
  Block first_;  // of a ring of blocks
  std::vector<std::vector<Saved>> saved_;
};

}  // namespace hydrapool::simulation
