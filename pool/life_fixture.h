#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include "pool/sys/kill.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {

/// A server whose parent can be killed.
class LifeTest : public ::testing::Test {
 protected:
  static ServerOptions Supervised(ServerOptions options = {}) {
    options.supervised = true;
    return options;
  }
  [[nodiscard]] pid_t Parent() const { return server_.Status().at("parent").at("pid").get<pid_t>(); }
  [[nodiscard]] int Lives() const { return server_.Status().at("parent").at("lives").get<int>(); }
  /// Returns when the next one serves.
  void SignalParent(int signal) const {
    const int lives = Lives();
    ASSERT_EQ(sys::Kill(Parent(), signal), 0);
    ASSERT_TRUE(server_.Await([&](const auto& status) { return status.at("parent").at("lives") > lives; }));
  }

  ServerProcess server_{Supervised()};
};

}  // namespace hydrapool::support
