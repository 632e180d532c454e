#include "loadgen/engine/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using ::testing::ElementsAre;

TEST(ResolvedTest, HostPortAndAddresses) {
  const auto resolved = ParseResolved("h.test:81:127.0.0.1,[::1],::2");
  ASSERT_TRUE(resolved);
  EXPECT_EQ(resolved->host, "h.test");
  EXPECT_EQ(resolved->port, "81");
  EXPECT_THAT(resolved->addresses, ElementsAre("127.0.0.1", "::1", "::2"));
}

TEST(ResolvedTest, WhatIsNoneIsNone) {
  for (const auto* text :
       {"", "h", "h:80", "h:80:", ":80:127.0.0.1", "h:x:127.0.0.1", "h:80:name", "h:80:1.2.3"})
    EXPECT_FALSE(ParseResolved(text)) << text;
}

TEST(EndpointTest, ThePlanKnowsBetterThanTheResolver) {
  const Plan plan{.wire = {.resolve = {"Known.test:80:127.0.0.1,127.0.0.2"}}};
  EXPECT_EQ(EndpointFor(plan, "known.test", "80").addresses.size(), 2u);
  EXPECT_FALSE(EndpointFor(plan, "no-such-host.invalid", "80").error.empty());
  EXPECT_EQ(EndpointFor({.wire = {.unix_socket = "/s"}}, "known.test", "80").addresses.size(), 1u);
}

TEST(EndpointTest, WhereConnectionsCannotComeFromIsSaid) {
  Plan plan{.targets = {{.url = "http://127.0.0.1/"}}, .wire = {.bind = {"::1", "::2"}}};
  EXPECT_EQ(UnresolvableHost(plan), "--bind ::1,::2: 127.0.0.1 has no address of that family");
  plan.wire.bind.emplace_back("127.0.0.2");
  EXPECT_FALSE(UnresolvableHost(plan));
}

}  // namespace
}  // namespace hydrapool::loadgen
