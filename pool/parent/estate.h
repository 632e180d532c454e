#pragma once

#include <cstddef>
#include <optional>

#include "hydrapool/pool_options.h"
#include "pool/supervisor/succession.h"
#include "pool/sys/lifeline.h"
#include "pool/sys/shared_heap.h"
#include "pool/sys/shared_memory.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool {

/// What a pool leaves to the program that follows in its process, or has been left by the one before: the
/// memory in which its records lie, how many there are of each, and the descriptors by which workers and
/// parent are tied to each other.
///
///     Estate estate(options);
///     …               // the records are made, or found: in its memory
///     estate.Seal();
///
/// A pool that nothing can follow (PoolOptions::program is empty, or it has no supervisor) leaves nothing,
/// and its memory is its own.
class Estate {
 public:
  /// Throws SharedHeap::OtherLayout, or std::runtime_error with one line that says why `options` cannot be
  /// had without a new start.
  explicit Estate(const PoolOptions& options);

  /// It was left by the program before.
  [[nodiscard]] bool found() const { return heap_ && heap_->found(); }
  /// At most so many may be asked for, by this program and those that follow.
  [[nodiscard]] std::size_t workers() const { return sizes_.workers; }
  [[nodiscard]] std::size_t connections() const { return sizes_.connections; }

  /// What is made in shared memory from here on is not left to the next program.
  void Seal();

  [[nodiscard]] sys::Lifeline& lifeline() { return lifeline_; }
  /// An eventfd.
  [[nodiscard]] sys::UniqueFd TakeBell() { return std::move(bell_); }
  /// nullptr: nothing can follow.
  [[nodiscard]] Succession* succession() { return succession_ ? &*succession_ : nullptr; }

 private:
  struct Sizes {
    std::size_t workers = 0;
    std::size_t connections = 0;
  };

  std::optional<sys::SharedHeap> heap_;
  std::optional<sys::SharedHeap::Use> use_;  // until Seal
  Sizes sizes_;
  std::optional<sys::SharedArray<Succession::Handed>> handed_;
  std::optional<Succession> succession_;
  sys::Lifeline lifeline_;
  sys::UniqueFd bell_;
};

}  // namespace hydrapool
