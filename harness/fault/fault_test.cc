#include "harness/fault/fault.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::harness {
namespace {

using testing::HasSubstr;

TEST(FaultNameTest, EachIsReadAsItIsWritten) {
  for (const FaultInfo& info : AllFaults()) EXPECT_EQ(ParseFault(Name(info.fault)), info.fault);
  for (const Target target : {Target(Target::kRandom), Target(Target::kBusiest), Target(Target::kIdle),
                              Target(Target::kOldest), Target(Target::kYoungest), Target(Target::kSlot, 7),
                              Target(Target::kAll), Target(Target::kAllButOne), Target(Target::kParent),
                              Target(Target::kSupervisor), Target(Target::kAny), Target(Target::kServer)}) {
    EXPECT_EQ(ParseTarget(Name(target)), target) << Name(target);
  }
}

TEST(FaultNameTest, WhatWasMeantIsGuessed) {
  EXPECT_THAT(ParseFault("kil").error().message, HasSubstr("did you mean 'kill'?"));
  EXPECT_THAT(ParseTarget("all_but_one").error().message, HasSubstr("did you mean 'all-but-one'?"));
  for (const char* text : {"slot=", "slot=x", "slot=-1", "slot=1x", "slot=N"})
    EXPECT_THAT(ParseTarget(text).error().message, HasSubstr("such as slot=0")) << text;
  EXPECT_THAT(ParseTarget("cgi-of=x").error().message, HasSubstr("such as cgi-of=0"));
  EXPECT_EQ(ParseTarget("cgi-of=3"), Target(Target::kCgiOf, 3));
  EXPECT_EQ(Name(Target(Target::kCgiOf, 3)), "cgi-of=3");
}

TEST(TargetTest, SomeAreKnownToThePoolAlone) {
  EXPECT_TRUE(Target(Target::kSlot).needs_status());
  EXPECT_TRUE(Target(Target::kIdle).needs_status());
  EXPECT_TRUE(Target(Target::kCgiOf, 1).needs_status());
  EXPECT_FALSE(Target(Target::kOldest).needs_status());
}

TEST(TargetTest, WhatRenewsIsOfTheServerAndNothingElseIs) {
  EXPECT_EQ(DefaultTarget(Fault::kReload), Target(Target::kServer));
  EXPECT_EQ(DefaultTarget(Fault::kKill), Target(Target::kRandom));
  EXPECT_FALSE(WhyNotTogether(Fault::kReload, Target::kServer));
  EXPECT_FALSE(WhyNotTogether(Fault::kKill, Target::kAny));
  EXPECT_THAT(*WhyNotTogether(Fault::kUpgrade, Target::kRandom), HasSubstr("no other target"));
  EXPECT_THAT(*WhyNotTogether(Fault::kKill, Target::kServer), HasSubstr("not for kill"));
}

TEST(TargetTest, LimitsAreForWorkersAlone) {
  for (const Fault limit : {Fault::kDescriptors, Fault::kAddressSpace, Fault::kProcesses}) {
    for (const auto kind : {Target::kParent, Target::kSupervisor, Target::kAny})
      EXPECT_THAT(WhyNotTogether(limit, kind).value_or(""), HasSubstr("is only for workers")) << Name(limit);
    for (const auto kind : {Target::kRandom, Target::kSlot, Target::kAll})
      EXPECT_FALSE(WhyNotTogether(limit, kind)) << Name(limit);
  }
  EXPECT_FALSE(WhyNotTogether(Fault::kStop, Target::kParent));
  EXPECT_FALSE(WhyNotTogether(Fault::kCpu, Target::kAny));
}

}  // namespace
}  // namespace hydrapool::harness
