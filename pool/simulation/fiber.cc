#include "pool/simulation/fiber.h"

#include <cxxabi.h>
#include <sys/mman.h>

#include <cstdlib>
#include <utility>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace hydrapool::simulation {
namespace {

constexpr std::size_t kStack = std::size_t{512} * 1024;

Fiber* g_current = nullptr;

// Stacks of fibers that have ended, for others.
std::vector<std::span<std::byte>>& Stacks() {
  static std::vector<std::span<std::byte>> stacks;
  return stacks;
}

std::span<std::byte> TakeStack() {
  if (!Stacks().empty()) {
    const auto stack = Stacks().back();
    Stacks().pop_back();
    return stack;
  }
  void* at =
      ::mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) std::abort();
  ::mprotect(at, 4096, PROT_NONE);
  return {static_cast<std::byte*>(at), kStack};
}

}  // namespace

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)), stack_(TakeStack()) {
  ::getcontext(&own_);
  own_.uc_stack.ss_sp = stack_.data();
  own_.uc_stack.ss_size = stack_.size();
  own_.uc_link = nullptr;
  ::makecontext(&own_, &Fiber::Enter, 0);
}

Fiber::~Fiber() {
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(stack_.data() + 4096, stack_.size() - 4096);
#endif
  Stacks().push_back(stack_);
}

Fiber::ExceptionState& Fiber::Exceptions() {
  return *reinterpret_cast<ExceptionState*>(abi::__cxa_get_globals());
}

#ifdef __SANITIZE_ADDRESS__
namespace {
const void* g_resumer_stack = nullptr;
std::size_t g_resumer_size = 0;
}  // namespace
#endif

void Fiber::Enter() {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(nullptr, &g_resumer_stack, &g_resumer_size);
#endif
  g_current->body_();
  for (;;) Yield();
}

void Fiber::Resume() {
  caller_fiber_ = std::exchange(g_current, this);
  const ExceptionState callers = std::exchange(Exceptions(), exceptions_);
#ifdef __SANITIZE_ADDRESS__
  void* fake = nullptr;
  const void* const stack_before = g_resumer_stack;
  const std::size_t size_before = g_resumer_size;
  __sanitizer_start_switch_fiber(&fake, stack_.data(), stack_.size());
#endif
  ::swapcontext(&caller_, &own_);
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
  g_resumer_stack = stack_before;
  g_resumer_size = size_before;
#endif
  exceptions_ = std::exchange(Exceptions(), callers);
  g_current = caller_fiber_;
}

void Fiber::Yield() {
  Fiber* const self = g_current;
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(&self->fake_stack_, g_resumer_stack, g_resumer_size);
#endif
  ::swapcontext(&self->own_, &self->caller_);
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(self->fake_stack_, &g_resumer_stack, &g_resumer_size);
#endif
}

std::span<std::byte> Fiber::StackAbove(std::byte* frame) const {
  return stack_.subspan(static_cast<std::size_t>(frame - stack_.data()));
}

// Of a stack, which AddressSanitizer guards in between.
__attribute__((no_sanitize("address"))) std::vector<std::byte> CopyOf(std::span<const std::byte> stack) {
  std::vector<std::byte> copy(stack.size());
  std::byte* const to = copy.data();
  const volatile std::byte* const from = stack.data();
  for (std::size_t i = 0; i < stack.size(); ++i) to[i] = from[i];
  return copy;
}

__attribute__((no_sanitize("address"))) void CopyBack(std::span<const std::byte> copy,
                                                      std::span<std::byte> stack) {
  const std::byte* const from = copy.data();
  volatile std::byte* const to = stack.data();
  for (std::size_t i = 0; i < copy.size(); ++i) to[i] = from[i];
}

}  // namespace hydrapool::simulation
