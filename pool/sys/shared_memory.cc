#include "pool/sys/shared_memory.h"

#include <sys/mman.h>

#include <cerrno>

#include "pool/sys/error.h"
#include "pool/sys/shared_heap.h"

namespace hydrapool::sys {

SharedMemory::SharedMemory(std::size_t bytes) : size_(bytes) {
  if (SharedHeap* heap = SharedHeap::InUse()) {
    data_ = heap->Take(bytes);
    found_ = heap->found();
    return;
  }
  void* at =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) ThrowErrno(errno, "mmap of " + std::to_string(bytes) + " shared bytes");
  data_ = static_cast<std::byte*>(at);
}

SharedMemory::~SharedMemory() { ::munmap(data_, size_); }

}  // namespace hydrapool::sys
