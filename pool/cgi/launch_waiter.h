#pragma once

#include <string_view>

#include "hydrapool/connection.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::cgi {

/// Who goes on once a launcher has started a request's program, or has not.
class LaunchTaker {
 public:
  virtual Begun Launched(Exchange& exchange) = 0;
  virtual Reply RefuseLaunch(Exchange& exchange, int status, std::string_view why) = 0;

 protected:
  ~LaunchTaker() = default;
};

/// Waits for a launcher's word on a request's program (launch_server.h): an int, 0 or why there is none, over
/// a pipe that ends with the launcher.
///
/// What counts is the lease: a program that has passed its gate answers the request, whatever becomes of
/// launcher and worker, and another worker goes on with it; one that has not will never run.
class LaunchWaiter final : public Execution {
 public:
  LaunchWaiter(Exchange& exchange, LaunchTaker& taker, sys::UniqueFd reply);

  void OnStepDone() override { Look(); }
  void OnProcessEnd() override { Look(); }
  void OnDeadline() override;

 private:
  void Look();
  void Refuse(int status, std::string_view why);

  Exchange& exchange_;
  LaunchTaker& taker_;
  sys::UniqueFd reply_;
  EventLoop::Watch watch_;
  bool over_ = false;
};

}  // namespace hydrapool::cgi
