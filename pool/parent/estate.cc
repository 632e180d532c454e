#include "pool/parent/estate.h"

#include <fmt/format.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "pool/sys/error.h"
#include "pool/sys/inheritance.h"

namespace hydrapool {
namespace {

namespace inheritance = sys::inheritance;

// Changes with the meaning of any record in shared memory; their sizes need not be looked after here.
constexpr std::uint64_t kLayout = 11;

constexpr std::size_t kMostWorkers = 64;  // or as many as the first program wants
constexpr std::size_t kMostConnections = 16'384;

sys::UniqueFd MakeBell() {
  return sys::UniqueFd(sys::Check(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd"));
}

}  // namespace

Estate::Estate(const PoolOptions& options)
    : sizes_{.workers = options.workers, .connections = options.max_connections} {
  sys::UniqueFd memory = inheritance::Take("memory");
  const bool can_be_followed = options.supervised && !options.program.empty();
  if (memory && !can_be_followed)
    throw std::runtime_error("the pool that runs has a supervisor, and needs one");
  if (!can_be_followed) {
    bell_ = MakeBell();
    return;
  }
  if (memory) {
    heap_.emplace(std::move(memory), kLayout);
    lifeline_ = sys::Lifeline(inheritance::Take("lifeline.upper"), inheritance::Take("lifeline.lower"));
    bell_ = inheritance::Take("bell");
  } else {
    heap_.emplace(kLayout);
    bell_ = MakeBell();
  }
  use_.emplace(&*heap_);
  const sys::SharedArray<Sizes> sizes(1);
  if (!heap_->found()) {
    sizes[0] = {.workers = std::max(kMostWorkers, options.workers),
                .connections = std::max(kMostConnections, options.max_connections)};
  }
  sizes_ = sizes[0];
  if (options.workers > sizes_.workers || options.max_connections > sizes_.connections) {
    throw std::runtime_error(
        fmt::format("the pool that runs has room for {} workers and {} connections: start it anew for more",
                    sizes_.workers, sizes_.connections));
  }
  handed_.emplace(1);
  succession_.emplace(options.program, (*handed_)[0]);
  inheritance::Leave("memory", heap_->fd());
  inheritance::Leave("lifeline.upper", lifeline_.upper());
  inheritance::Leave("lifeline.lower", lifeline_.lower());
  inheritance::Leave("bell", bell_.get());
}

void Estate::Seal() {
  use_.reset();
  if (heap_) heap_->Seal();
}

}  // namespace hydrapool
