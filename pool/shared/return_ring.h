#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "pool/sys/shared_memory.h"

namespace hydrapool {

/// How a worker gives leases back: a ring in shared memory, one producer (the worker), one consumer (the
/// parent). It has room for every lease of the table, and each lease is in it at most once, so it is never
/// full. What a worker put in before its death stays in it. What a worker gone mad writes into it can cost
/// that worker's items (its leases are looked at again when it is reaped), not the parent's time.
class ReturnRing {
 public:
  struct Item {
    std::uint32_t slot = 0;
    bool released = false;  ///< true: idle, to be lent again; false: closed, to be freed
  };

  explicit ReturnRing(std::size_t leases) : ends_(1), items_(std::bit_ceil(leases + 1)) {}

  void Put(Item item) {
    const std::uint32_t tail = ends_[0].tail.load(std::memory_order_relaxed);
    At(tail).store(item.slot << 1 | (item.released ? 1u : 0u), std::memory_order_relaxed);
    ends_[0].tail.store(tail + 1);  // sequentially consistent: pairs with the parent's look before it sleeps
  }

  /// The oldest item; it stays until Pop, so that a consumer that dies over it leaves it to the next.
  std::optional<Item> Front() {
    const std::uint32_t head = ends_[0].head.load(std::memory_order_relaxed);
    const std::uint32_t tail = ends_[0].tail.load();
    if (head == tail) return std::nullopt;
    if (tail - head > items_.size()) {  // spoilt: not to be read four billion times over
      ends_[0].head.store(tail, std::memory_order_release);
      return std::nullopt;
    }
    const std::uint32_t item = At(head).load(std::memory_order_relaxed);
    return Item{item >> 1, (item & 1) != 0};
  }
  void Pop() { ends_[0].head.fetch_add(1, std::memory_order_release); }

  [[nodiscard]] bool empty() const { return ends_[0].head.load() == ends_[0].tail.load(); }

 private:
  struct Ends {
    alignas(64) std::atomic<std::uint32_t> head{0};
    alignas(64) std::atomic<std::uint32_t> tail{0};
  };
  [[nodiscard]] std::atomic<std::uint32_t>& At(std::uint32_t i) const {
    return items_[i & (items_.size() - 1)];
  }

  sys::SharedArray<Ends> ends_;
  sys::SharedArray<std::atomic<std::uint32_t>> items_;
};

}  // namespace hydrapool
