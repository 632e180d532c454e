#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "hydrapool/handler.h"
#include "pool/shared/step_machine.h"

namespace hydrapool {

/// What is wrong with a reply to `input` bytes; empty: nothing. `taken`: bytes of the request have been
/// consumed before.
std::string_view FaultOf(const Reply& reply, std::size_t input, bool taken);

/// Replies to requests that came together, gathered into one step: their bytes lie one after the other in the
/// slab.
///
///     ReplyBatch batch(slab, input.size());
///     while (batch.open() && batch.Add(Answer(input.substr(batch.consumed())), false)) {}
///     machine.Begin(batch.Plan(Phase::kReading));
///
/// A step's replies are of one kind and one part of the site, at most 255, and fit the slab. The last is one
/// that closes, an interim one, or one to a request that uses its notes: those hold the notes of one request
/// only.
class ReplyBatch {
 public:
  /// `input`: how many bytes of requests there are.
  ReplyBatch(std::span<char> slab, std::size_t input) : slab_(slab), input_(input) {}

  /// Takes a reply in. False, and nothing is changed: it is at fault, or belongs to another step. The first
  /// reply that is not at fault is refused only where it does not fit the slab.
  bool Add(const Reply& reply, bool uses_notes);

  [[nodiscard]] bool empty() const { return empty_; }
  /// Another reply may be added.
  [[nodiscard]] bool open() const { return open_ && consumed_ < input_; }
  [[nodiscard]] std::size_t consumed() const { return consumed_; }
  [[nodiscard]] bool closes() const { return closes_; }
  [[nodiscard]] std::uint8_t part() const { return part_; }
  /// It closes, and the client may still be sending.
  [[nodiscard]] bool lingers() const { return linger_ || consumed_ != input_; }
  /// The step, which leads to `next` unless it closes.
  [[nodiscard]] StepPlan Plan(Phase next) const;

 private:
  std::span<char> slab_;
  std::size_t input_;
  std::size_t used_ = 0;
  std::size_t consumed_ = 0;
  std::uint8_t requests_ = 0;
  std::uint8_t kind_ = 0;
  std::uint8_t part_ = 0;
  bool empty_ = true;
  bool open_ = true;
  bool closes_ = false;
  bool linger_ = true;
};

}  // namespace hydrapool
