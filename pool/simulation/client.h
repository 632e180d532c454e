#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pool/simulation/request.h"
#include "pool/simulation/world.h"

namespace hydrapool::simulation {

/// A client and its oracle: sends requests as it likes, and knows the only right bytes that may come back.
///
/// Right is: the greeting, then for each request its answer, in order, whole, once. A request that must not
/// run twice may get the excuse for an abandoned one instead, and one that is answered in several steps may
/// be cut by a reset, if a worker has died; then nothing else comes. Anything else is a failure of the world.
class Client {
 public:
  Client(World& world, std::shared_ptr<TcpConnection> connection, std::vector<Request> requests);

  [[nodiscard]] bool CanAct() const;
  void Act();
  /// It has got all, or has itself gone away.
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] Nanos pauses_until() const { return pauses_until_; }
  /// Pauses no more, and does not go away by itself.
  void Hurry();
  /// How far it has come, for a report.
  [[nodiscard]] std::string Describe() const;
  [[nodiscard]] std::size_t answered() const { return next_; }

 private:
  struct Expected {
    Request request;
    std::string bytes;
    std::string interim;  // may come before them, as often as it likes
    bool may_be_abandoned = false;
    bool may_be_cut = false;
  };
  [[nodiscard]] std::size_t Sendable() const;
  void Send();
  void Read();
  void Judge(std::string_view bytes);
  void JudgeEnd(bool reset);
  [[nodiscard]] std::string ExcuseFor(const Expected& expected, char begin) const;
  void Finish();
  void Wrong(const std::string& what);

  World& world_;
  std::shared_ptr<TcpConnection> connection_;
  std::string to_send_;
  std::size_t sent_ = 0;
  std::vector<Expected> expected_;
  std::size_t next_ = 0;    // of expected_
  std::size_t offset_ = 0;  // within it
  std::string aside_;       // what is left of an excuse or of an interim that is coming
  bool excused_ = false;
  bool done_ = false;

  // ---- its manners
  std::size_t at_once_;          // sends at most so many bytes
  std::size_t reads_;            // reads at most so many
  std::uint64_t pause_ = 0;      // pauses after one act in so many
  std::uint64_t reset_ = 0;      // goes away at one act in so many
  bool finishes_early_ = false;  // half-closes after its last request
  bool finished_ = false;
  Nanos pauses_until_ = 0;
};

}  // namespace hydrapool::simulation
