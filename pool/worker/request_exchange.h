#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "hydrapool/connection.h"
#include "hydrapool/handler.h"

namespace hydrapool {

class LeasedConnection;

/// The request that a leased connection has in hand, and the execution that answers it.
class RequestExchange final : public Exchange {
 public:
  explicit RequestExchange(LeasedConnection& connection) : connection_(connection) {}

  // For the connection.
  [[nodiscard]] Execution* execution() const { return execution_.get(); }
  void Begin(std::unique_ptr<Execution> execution) { execution_ = std::move(execution); }
  /// A request is about to begin, of which the handler has seen so many bytes.
  void Prepare(std::size_t seen) {
    seen_ = seen;
    answered_ = false;
  }
  [[nodiscard]] bool answered() const { return answered_; }
  void End();
  /// Notes a whole reply as a step: in the slab if it fits, else from this worker's own memory.
  void Note(Reply reply);

 private:
  [[nodiscard]] Connection& connection() const override;
  [[nodiscard]] std::span<char> buffer() const override;
  Progress Send(const Transmission& transmission) override;
  Progress Answer(Reply reply) override;
  [[nodiscard]] bool sending() const override;
  void BeginOnce() override;
  [[nodiscard]] std::optional<std::size_t> Peek(std::span<char> into) const override;
  void Consume(std::uint32_t count) override;
  [[nodiscard]] std::uint64_t total_sent() const override;
  [[nodiscard]] std::uint64_t total_consumed() const override;
  void SetDeadline(Nanos deadline) override;
  [[nodiscard]] EventLoop::Watch Watch(int fd, std::uint32_t events, EventLoop::Callback call) override;
  [[nodiscard]] EventLoop::Timer At(Nanos due, std::function<void()> call) override;
  void Become(std::unique_ptr<Execution> next) override;
  void Abort() override;
  [[nodiscard]] RequestProcess& process() const override;

  Progress Conclude(Progress progress, bool over);
  [[nodiscard]] bool gone() const;
  [[nodiscard]] std::string_view Fault(std::size_t size, std::uint32_t consume, bool over) const;

  LeasedConnection& connection_;
  std::unique_ptr<Execution> execution_;
  std::unique_ptr<Execution> before_;  ///< what another has taken the place of, until its call has returned
  EventLoop::Timer replaced_;
  std::size_t seen_ = SIZE_MAX;  ///< that many bytes of the request have certainly come
  bool answered_ = false;
  std::string own_bytes_;  ///< what is being sent where it does not fit the slab
};

}  // namespace hydrapool
