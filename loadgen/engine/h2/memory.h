#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstddef>

namespace hydrapool::loadgen {

/// Memory for nghttp2, which takes several small pieces for each request and gives them back with its
/// response: they are kept by size and handed out again, which costs a quarter of what malloc(3) does. What
/// is larger than kMost comes from there.
///
///     H2Memory memory;
///     nghttp2_session_client_new3(&session, callbacks, user, nullptr, memory.get());
///
/// What was kept is given back when it is destroyed; the sessions must be gone by then. Not movable; one
/// thread's.
class H2Memory {
 public:
  static constexpr std::size_t kMost = 1024;  ///< Bytes.

  H2Memory();
  ~H2Memory();
  H2Memory(const H2Memory&) = delete;
  H2Memory& operator=(const H2Memory&) = delete;

  nghttp2_mem* get() { return &calls_; }

 private:
  struct Piece;
  static constexpr std::size_t kStep = 64;
  static constexpr std::size_t kSizes = kMost / kStep;

  static void* Allocate(std::size_t size, void* self);
  static void Free(void* bytes, void* self);
  static void* AllocateZeros(std::size_t n, std::size_t size, void* self);
  static void* Reallocate(void* bytes, std::size_t size, void* self);

  std::array<Piece*, kSizes> kept_{};  // by size: (i + 1) * kStep bytes each
  nghttp2_mem calls_;
};

}  // namespace hydrapool::loadgen
