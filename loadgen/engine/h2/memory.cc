#include "loadgen/engine/h2/memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace hydrapool::loadgen {

/// Stands before the bytes.
struct alignas(std::max_align_t) H2Memory::Piece {
  Piece* next;       // of those kept
  std::size_t size;  // of its bytes

  [[nodiscard]] void* bytes() { return this + 1; }
  static Piece* Of(void* bytes) { return static_cast<Piece*>(bytes) - 1; }
};

H2Memory::H2Memory()
    : calls_{.mem_user_data = this,
             .malloc = &Allocate,
             .free = &Free,
             .calloc = &AllocateZeros,
             .realloc = &Reallocate} {}

H2Memory::~H2Memory() {
  for (auto* piece : kept_) {
    while (piece != nullptr) std::free(std::exchange(piece, piece->next));
  }
}

void* H2Memory::Allocate(std::size_t size, void* self) {
  const auto place = (std::max<std::size_t>(size, 1) - 1) / kStep;
  if (place < kSizes) {
    auto& kept = static_cast<H2Memory*>(self)->kept_[place];
    if (kept != nullptr) return std::exchange(kept, kept->next)->bytes();
    size = (place + 1) * kStep;
  }
  void* memory = std::malloc(sizeof(Piece) + size);
  return memory == nullptr ? nullptr : (new (memory) Piece{.next = nullptr, .size = size})->bytes();
}

void H2Memory::Free(void* bytes, void* self) {
  if (bytes == nullptr) return;
  auto* piece = Piece::Of(bytes);
  if (piece->size > kMost) return std::free(piece);
  auto& kept = static_cast<H2Memory*>(self)->kept_[piece->size / kStep - 1];
  piece->next = std::exchange(kept, piece);
}

void* H2Memory::AllocateZeros(std::size_t n, std::size_t size, void* self) {
  std::size_t all = 0;
  if (__builtin_mul_overflow(n, size, &all)) return nullptr;
  void* bytes = Allocate(all, self);
  return bytes == nullptr ? nullptr : std::memset(bytes, 0, all);
}

void* H2Memory::Reallocate(void* bytes, std::size_t size, void* self) {
  if (bytes == nullptr) return Allocate(size, self);
  const auto before = Piece::Of(bytes)->size;
  if (size <= before) return bytes;
  void* larger = Allocate(size, self);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, bytes, before);
  Free(bytes, self);
  return larger;
}

}  // namespace hydrapool::loadgen
