#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <type_traits>
#include <utility>

#include "pool/shared/lease.h"
#include "pool/shared/step_machine.h"

/// The seam of the step machine as a test plays it: a world in memory, calls that kill, faults that are
/// planted.
namespace hydrapool::testing {

struct Died {};

/// What outlives a worker: the kernel's side of a connection, the request's process, the lease.
struct World {
  std::string request;    // what the client has sent
  std::size_t taken = 0;  // of it, as the kernel counts
  std::string answer;     // what the client has got
  std::string output;     // what waits in the process's output
  std::string input;      // what the process has been given
  std::string slab;
  bool process = false;         // one answers the request
  bool resumable = false;       // its handler can go on with it from its notes
  std::string file;             // in which its body is made whole, or which answers it
  std::size_t room = SIZE_MAX;  // bytes that move before the next EAGAIN
  Lease lease;
  LeaseDetail detail;
};

enum class Fault : std::uint8_t {
  kNone,
  kWordBeforeNote,  // two stores swapped: the word that says responding comes before its note
  kNoSentBase,      // a base is dropped
  kNoConsumedBase,
  kConsumeFirst,      // the request is taken away before its answer is sent
  kCommitBeforeSend,  // the step is committed before it is carried out
};

/// The seam: dies at the call of a given number, before or after its effect. A store that dies has written
/// any part of its value.
class ModelIo {
 public:
  ModelIo(World& world, int dies_at, std::mt19937& random, Fault fault)
      : world_(world), dies_at_(dies_at), random_(random), fault_(fault) {}

  ssize_t Send(const char* bytes, std::size_t size, bool) {
    Pass();
    const std::size_t count = Move(size);
    if (count == 0) return -EAGAIN;
    world_.answer.append(bytes, count);
    Pass();
    return static_cast<ssize_t>(count);
  }
  ssize_t Splice(std::size_t size, bool) {
    Pass();
    const std::size_t count = Move(std::min(size, world_.output.size()));
    if (count == 0) return world_.output.empty() ? 0 : -EAGAIN;
    world_.answer += world_.output.substr(0, count);
    world_.output.erase(0, count);
    Pass();
    return static_cast<ssize_t>(count);
  }
  ssize_t SendFile(std::uint64_t at, std::size_t size) {
    Pass();
    const std::size_t count = Move(std::min(size, world_.file.size() - at));
    if (count == 0) return world_.file.size() == at ? 0 : -EAGAIN;
    world_.answer += world_.file.substr(at, count);
    Pass();
    return static_cast<ssize_t>(count);
  }
  ssize_t Feed(std::size_t size) {
    Pass();
    const std::size_t count = Move(size);
    if (count == 0) return -EAGAIN;
    world_.input += world_.request.substr(world_.taken, count);
    world_.taken += count;
    Pass();
    return static_cast<ssize_t>(count);
  }
  ssize_t Discard(std::size_t size) {
    if (std::exchange(consumed_first_, false)) return static_cast<ssize_t>(size);
    Pass();
    const std::size_t count = std::min<std::size_t>(size, 1 + random_() % size);
    world_.taken += count;
    Pass();
    return static_cast<ssize_t>(count);
  }

  template <typename T>
  void Store(T& place, const T& value) {
    T next = value;
    if constexpr (std::is_same_v<T, LeaseStep>) {
      if (fault_ == Fault::kNoSentBase) next.sent_base = place.sent_base;
      if (fault_ == Fault::kNoConsumedBase) next.consumed_base = place.consumed_base;
      if (fault_ == Fault::kWordBeforeNote) {
        LeaseWord word = world_.lease.Load();
        word.phase = Phase::kResponding;
        Write(world_.lease.word, word.Pack());
      }
    }
    Write(place, next);
  }
  template <typename T>
  void Store(std::atomic<T>& place, std::type_identity_t<T> value) {
    if constexpr (std::is_same_v<T, std::uint64_t>) {
      if (LeaseWord::Unpack(value).phase == Phase::kResponding) OnResponding(value);
    }
    Write(place, value);
  }
  void Through() { Pass(); }
  [[nodiscard]] Nanos Now() const { return 1; }

  [[nodiscard]] int calls() const { return calls_; }

 private:
  void Pass() {
    if (calls_++ == dies_at_) throw Died{};
  }
  std::size_t Move(std::size_t most) {
    const std::size_t count = std::min({most, 1 + random_() % std::max<std::size_t>(most, 1), world_.room});
    world_.room = world_.room == 0 ? 16 : world_.room - count;
    return count;
  }
  template <typename T>
  void Write(T& place, const T& value) {
    if (calls_ == dies_at_) {  // torn: any of its bytes are written
      auto* to = reinterpret_cast<char*>(&place);
      const auto* from = reinterpret_cast<const char*>(&value);
      for (std::size_t i = 0; i < sizeof(T); ++i) {
        if (random_() % 2 == 0) to[i] = from[i];
      }
    }
    Pass();
    place = value;
    Pass();
  }
  template <typename T>
  void Write(std::atomic<T>& place, T value) {
    Pass();
    place.store(value);
    Pass();
  }
  // What a machine in the wrong order would have done before it stored this word.
  void OnResponding(std::uint64_t value) {
    const LeaseStep& step = world_.lease.step[LeaseWord::Unpack(value).steps & 1];
    if (fault_ == Fault::kConsumeFirst && step.consume > 0) {
      Write(world_.lease.word, value);
      world_.taken += step.consume;
      consumed_first_ = true;
      Pass();
    }
    if (fault_ == Fault::kCommitBeforeSend) {
      LeaseWord word = LeaseWord::Unpack(value);
      word.phase = world_.lease.end[word.steps & 1].next;
      ++word.steps;
      Write(world_.lease.word, word.Pack());
    }
  }

  World& world_;
  const int dies_at_;
  std::mt19937& random_;
  const Fault fault_;
  int calls_ = 0;
  bool consumed_first_ = false;
};

using Machine = StepMachine<ModelIo>;

}  // namespace hydrapool::testing
