#pragma once

#include <ucontext.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace hydrapool::simulation {

/// A stack of its own on which a simulated process runs until it yields.
///
///     Fiber fiber([] { ... Fiber::Yield(); ... });
///     fiber.Resume();  // until it yields or its body returns
///
/// A fiber that is destroyed before its end is simply never resumed: nothing on its stack is destructed, as
/// in a process that is killed. One thread only; no exception may leave the body.
class Fiber {
 public:
  explicit Fiber(std::function<void()> body);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  void Resume();
  /// Back to whoever resumed the current fiber.
  static void Yield();

  /// The part of its stack from a frame's address up.
  [[nodiscard]] std::span<std::byte> StackAbove(std::byte* frame) const;

 private:
  struct ExceptionState {  // of the C++ runtime, __cxa_eh_globals
    void* caught = nullptr;
    unsigned uncaught = 0;
  };
  static void Enter();
  static ExceptionState& Exceptions();

  std::function<void()> body_;
  std::span<std::byte> stack_;
  ucontext_t own_{};
  ucontext_t caller_{};
  ExceptionState exceptions_;
  Fiber* caller_fiber_ = nullptr;
  [[maybe_unused]] void* fake_stack_ = nullptr;  // AddressSanitizer's
};

/// Bytes of a stack, to be put back later.
std::vector<std::byte> CopyOf(std::span<const std::byte> stack);
void CopyBack(std::span<const std::byte> copy, std::span<std::byte> stack);

}  // namespace hydrapool::simulation
