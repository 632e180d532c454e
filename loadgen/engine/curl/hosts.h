#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <list>
#include <vector>

#include "loadgen/engine/curl/request.h"
#include "loadgen/engine/endpoint.h"
#include "loadgen/plan/plan.h"

namespace hydrapool::loadgen {

/// Where the connections of one engine lead: what libcurl is told of hosts, and what it is not.
///
/// libcurl 7.88 begins at a host's first address with each request, and where that one is silent it may not
/// notice that the second has answered (`curl --resolve h:80:SILENT,GOOD --connect-timeout 2` fails). So of a
/// host with several addresses it knows the first only, and each socket that it opens to that one leads to
/// the address whose turn it is (address_walk.h). The endpoints are those of all connections of the engine.
///
/// Only the hosts of the plan's URLs: where a redirect leads to another, libcurl tries its addresses. So it
/// does where names are to be looked up again (Wire::resolve_every): it then asks the resolver itself.
class CurlHosts {
 public:
  explicit CurlHosts(const Plan& plan);

  /// Of the plan's `target`-th; null where libcurl may connect as it likes.
  [[nodiscard]] Endpoint* of(std::size_t target) const { return targets_[target]; }
  /// libcurl means this endpoint.
  static bool IsMeant(const Endpoint& endpoint, const curl_sockaddr& address);
  /// For CURLOPT_RESOLVE and CURLOPT_CONNECT_TO; null for neither.
  [[nodiscard]] curl_slist* resolve() const { return resolve_.get(); }
  [[nodiscard]] curl_slist* connect_to() const { return connect_to_.get(); }

 private:
  struct Host {
    std::string name;
    std::string port;
    Endpoint endpoint;
  };

  Host& HostOf(const Plan& plan, const std::string& name, const std::string& port);

  std::list<Host> hosts_;
  std::vector<Endpoint*> targets_;
  CurlList resolve_;
  CurlList connect_to_;
};

}  // namespace hydrapool::loadgen
