#include "pool/parent/parent_bell.h"

#include <unistd.h>

namespace hydrapool {

void ParentBell::Watch(sys::EventLoop& loop) {
  watch_ = loop.Add(fd_.get(), EPOLLIN, [this](std::uint32_t) {
    std::uint64_t rings;
    [[maybe_unused]] const auto ignored = ::read(fd_.get(), &rings, sizeof rings);
  });
}

}  // namespace hydrapool
