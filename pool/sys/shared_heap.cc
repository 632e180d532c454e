#include "pool/sys/shared_heap.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "pool/sys/error.h"

namespace hydrapool::sys {
namespace {

constexpr std::uint64_t kMagic = 0x6c6f6f7061726479;
constexpr std::size_t kPage = std::size_t{64} * 1024;  // the largest that Linux has (arm64)
SharedHeap* g_in_use = nullptr;

std::size_t WholePages(std::size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

// FNV-1a, over whole numbers.
std::uint64_t Mix(std::uint64_t so_far, std::uint64_t next) { return (so_far ^ next) * 0x100000001b3; }

}  // namespace

SharedHeap::SharedHeap(std::uint64_t layout)
    : fd_(Check(::memfd_create("hydrapool", MFD_CLOEXEC), "memfd_create")), layout_(layout) {
  header_ = reinterpret_cast<Header*>(Map(sizeof(Header)));
}

SharedHeap::SharedHeap(UniqueFd found, std::uint64_t layout)
    : fd_(std::move(found)), found_(true), layout_(layout) {
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0 || static_cast<std::size_t>(status.st_size) < kPage)
    throw OtherLayout("what the program before has left is no memory of a pool");
  header_ = reinterpret_cast<Header*>(Map(sizeof(Header)));
  if (header_->magic == kMagic && header_->layout == layout_) return;
  ::munmap(std::exchange(header_, nullptr), kPage);
  throw OtherLayout("the pool that runs keeps its records in another way than this program");
}

SharedHeap::~SharedHeap() { ::munmap(header_, kPage); }

void SharedHeap::Seal() {
  if (!found_) {
    *header_ = {.magic = kMagic, .layout = layout_, .sizes = sizes_};
  } else if (header_->sizes != sizes_) {
    throw OtherLayout("the pool that runs keeps other records than this program");
  }
}

std::byte* SharedHeap::Take(std::size_t bytes) {
  sizes_ = Mix(sizes_, bytes);
  return Map(bytes);
}

std::byte* SharedHeap::Map(std::size_t bytes) {
  const std::size_t size = WholePages(bytes);
  const auto at = static_cast<off_t>(end_);
  if (!found_) Check(::ftruncate(fd_.get(), at + static_cast<off_t>(size)), "ftruncate");
  void* map = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd_.get(), at);
  if (map == MAP_FAILED) ThrowErrno(errno, "mmap of " + std::to_string(size) + " shared bytes");
  end_ += size;
  return static_cast<std::byte*>(map);
}

SharedHeap::Use::Use(SharedHeap* heap) { g_in_use = heap; }
SharedHeap::Use::~Use() { g_in_use = nullptr; }
SharedHeap* SharedHeap::InUse() { return g_in_use; }

}  // namespace hydrapool::sys
