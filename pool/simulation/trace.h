#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hydrapool::simulation {

/// What has happened: a hash over everything, and the last `kept` events to be read. `what` is a literal.
class Trace {
 public:
  explicit Trace(std::size_t kept) : events_(kept) {}
  void Add(std::uint64_t step, int who, const char* what, std::int64_t a, std::int64_t b);
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  /// One line for each of the last events.
  [[nodiscard]] std::string Last() const;

 private:
  struct Event {
    std::uint64_t step = 0;
    int who = 0;
    const char* what = "";
    std::int64_t a = 0;
    std::int64_t b = 0;
  };
  std::vector<Event> events_;
  std::size_t count_ = 0;
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

}  // namespace hydrapool::simulation
