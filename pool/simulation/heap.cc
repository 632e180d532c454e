#include "pool/simulation/heap.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace hydrapool::simulation {

Heap* Heap::current = nullptr;

static_assert(sizeof(Heap::Block) % alignof(std::max_align_t) == 0);

struct HeapAccess {
  static void* Take(std::size_t size) {
    auto* block = static_cast<Heap::Block*>(std::malloc(sizeof(Heap::Block) + size));
    if (block == nullptr) throw std::bad_alloc();
    Heap* const owner = Heap::current;
    *block = {block, block, owner, size};
    if (owner != nullptr) {
      block->before = &owner->first_;
      block->after = owner->first_.after;
      block->after->before = block;
      owner->first_.after = block;
    }
    return block + 1;
  }
  static void Give(void* memory) {
    if (memory == nullptr) return;
    auto* block = static_cast<Heap::Block*>(memory) - 1;
    if (block->owner != nullptr && !block->owner->saved_.empty()) return;
    block->before->after = block->after;
    block->after->before = block->before;
    std::free(block);
  }
};

Heap::Heap() : first_{&first_, &first_, this, 0} {}

Heap::~Heap() {
  saved_.clear();
  while (first_.after != &first_) HeapAccess::Give(first_.after + 1);
}

void Heap::Save() {
  const Outside outside;
  std::vector<Saved>& saved = saved_.emplace_back();
  for (Block* block = first_.after; block != &first_; block = block->after) {
    const auto* bytes = reinterpret_cast<const std::byte*>(block + 1);
    saved.push_back({block, {bytes, bytes + block->size}});
  }
}

void Heap::Restore() {
  const Outside outside;
  for (const Saved& saved : saved_.back())
    std::memcpy(saved.block + 1, saved.bytes.data(), saved.bytes.size());
  saved_.pop_back();
}

}  // namespace hydrapool::simulation

using hydrapool::simulation::HeapAccess;

void* operator new(std::size_t size) { return HeapAccess::Take(size); }
void* operator new[](std::size_t size) { return HeapAccess::Take(size); }
void operator delete(void* memory) noexcept { HeapAccess::Give(memory); }
void operator delete[](void* memory) noexcept { HeapAccess::Give(memory); }
void operator delete(void* memory, std::size_t) noexcept { HeapAccess::Give(memory); }
void operator delete[](void* memory, std::size_t) noexcept { HeapAccess::Give(memory); }
