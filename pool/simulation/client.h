#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "pool/simulation/oracle.h"
#include "pool/simulation/world.h"

namespace hydrapool::simulation {

/// A client: sends its requests as it likes, reads when it likes, and has an oracle judge what comes back.
/// What is wrong is a failure of the world.
class Client {
 public:
  Client(World& world, std::shared_ptr<TcpConnection> connection, std::unique_ptr<Oracle> oracle);

  [[nodiscard]] bool CanAct() const;
  void Act();
  /// It has got all, or has itself gone away.
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] Nanos pauses_until() const { return pauses_until_; }
  /// Pauses no more, and does not go away by itself.
  void Hurry();
  /// How far it has come, for a report.
  [[nodiscard]] std::string Describe() const;
  [[nodiscard]] std::size_t answered() const { return oracle_->answered(); }

 private:
  [[nodiscard]] std::size_t Sendable() const;
  void Note(const char* what, std::size_t count = 0);
  void Send();
  void Read();
  void SeeEnd(Ending ending);
  void Finish();
  void Wrong(const std::string& what);

  World& world_;
  std::shared_ptr<TcpConnection> connection_;
  std::unique_ptr<Oracle> oracle_;
  const std::string to_send_;
  std::size_t sent_ = 0;
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
