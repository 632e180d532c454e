#include "pool/parent/parent_bell.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "pool/sys/error.h"

namespace hydrapool {

ParentBell::ParentBell(Doorbell& flags)
    : flags_(flags), fd_(sys::Check(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {}

void ParentBell::Watch(sys::EventLoop& loop) {
  watch_ = loop.Add(fd_.get(), EPOLLIN, [this](std::uint32_t) {
    std::uint64_t rings;
    [[maybe_unused]] const auto ignored = ::read(fd_.get(), &rings, sizeof rings);
  });
}

}  // namespace hydrapool
