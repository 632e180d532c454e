#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "loadgen/engine/endpoint.h"
#include "loadgen/plan/http_url.h"
#include "loadgen/plan/plan.h"

namespace hydrapool::loadgen {

/// The hosts that a plan's URLs lead to, each once. One thread's.
///
///     const auto host = hosts.NumberOf(url);
///     hosts[host].endpoint   // where to connect
class HostList {
 public:
  struct Host {
    std::string name;       ///< What the resolver is asked for; a UNIX socket's path where the plan has one.
    std::string port;       ///< Empty with a UNIX socket.
    bool tls = false;       ///< The URL's scheme is https.
    std::string certified;  ///< Whose certificate it must be: the URL's host, wherever connections lead.
    Endpoint endpoint;
  };

  /// `plan` must outlive it.
  explicit HostList(const Plan& plan) : plan_(plan) {}

  /// The number of the URL's host, which is resolved where it is a new one. Numbers and places stay.
  std::size_t NumberOf(const HttpUrl& url);
  /// Takes the addresses that the plan's HostWatch has found since, if it has one.
  void TakeNewAddresses();

  Host& operator[](std::size_t number) { return hosts_[number]; }
  [[nodiscard]] std::size_t size() const { return hosts_.size(); }

 private:
  const Plan& plan_;
  std::deque<Host> hosts_;
  std::uint64_t version_ = 0;  // of the watch's, as last taken
};

}  // namespace hydrapool::loadgen
