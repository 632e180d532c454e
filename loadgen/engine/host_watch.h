#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "loadgen/engine/endpoint.h"
#include "loadgen/plan/plan.h"

namespace hydrapool::loadgen {

/// Knows when the hosts of a run get other addresses. May be asked from any thread.
class HostWatch {
 public:
  virtual ~HostWatch() = default;
  /// Rises with each change.
  [[nodiscard]] virtual std::uint64_t version() const = 0;
  /// The host's addresses as they are now; empty where they never changed.
  [[nodiscard]] virtual std::vector<Address> AddressesOf(const std::string& host,
                                                         const std::string& port) const = 0;
};

/// Asks the resolver again and again, in a thread of its own: no request waits for it, nor does the end of
/// the run. An answer without addresses changes nothing, but the next one with some is a change; one in
/// another order is none.
class ResolverWatch final : public HostWatch {
 public:
  using Resolver = std::function<Endpoint(const std::string& host, const std::string& port)>;

  /// Of the hosts that the plan's requests connect to, each `every`; what --resolve says stays as it is.
  ResolverWatch(const Plan& plan, sys::Nanos every);
  /// The same with another resolver, for tests; it is called by the thread, until it returns after the
  /// watch's end.
  ResolverWatch(const Plan& plan, sys::Nanos every, Resolver resolver);
  ~ResolverWatch() override;
  ResolverWatch(const ResolverWatch&) = delete;
  ResolverWatch& operator=(const ResolverWatch&) = delete;

  [[nodiscard]] std::uint64_t version() const override;
  [[nodiscard]] std::vector<Address> AddressesOf(const std::string& host,
                                                 const std::string& port) const override;

 private:
  struct State;
  std::shared_ptr<State> state_;  // the thread's too
};

}  // namespace hydrapool::loadgen
