#include "harness/fault/proof.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace hydrapool::harness {
namespace {

Proof ProofOf(Fault fault, const Evidence& evidence) { return Prove(InfoOf(fault), evidence).proof; }

constexpr int kExit0 = 0;
constexpr int kExit3 = 3 << 8;

TEST(ProveTest, ADeathIsTheOneThatWasMeantUnlessItIsKnownNotToBe) {
  EXPECT_EQ(ProofOf(Fault::kKill, {.dead = true}), Proof::kConfirmed);
  EXPECT_EQ(ProofOf(Fault::kKill, {.dead = true, .wait_status = SIGKILL}), Proof::kConfirmed);
  EXPECT_EQ(ProofOf(Fault::kKill, {.dead = true, .wait_status = kExit0}), Proof::kMismatched);
  EXPECT_EQ(ProofOf(Fault::kSegv, {.dead = true, .wait_status = SIGSEGV | 0x80}), Proof::kConfirmed)
      << "with a core";
  EXPECT_EQ(ProofOf(Fault::kSegv, {.dead = true, .wait_status = kExit3}), Proof::kMismatched);
  EXPECT_EQ(Prove(InfoOf(Fault::kAbrt), {.dead = true, .wait_status = SIGKILL}).words,
            "it ended with SIGKILL, not by SIGABRT");
}

TEST(ProveTest, WhoIsAskedToLeaveMayLeaveAsItLikes) {
  for (const Fault fault : {Fault::kTerm, Fault::kInt, Fault::kQuit}) {
    EXPECT_EQ(ProofOf(fault, {.dead = true, .wait_status = kExit0}), Proof::kConfirmed);
    EXPECT_EQ(ProofOf(fault, {.dead = true, .wait_status = kExit3}), Proof::kConfirmed);
    EXPECT_EQ(ProofOf(fault, {.dead = true, .wait_status = InfoOf(fault).signal}), Proof::kConfirmed);
    EXPECT_EQ(ProofOf(fault, {.dead = true, .wait_status = SIGKILL}), Proof::kMismatched);
    EXPECT_EQ(ProofOf(fault, {.seen = true}), Proof::kMismatched) << "alive";
  }
}

TEST(ProveTest, ARenewalMustBeSeenAndNotBeTheMainProcesssEnd) {
  EXPECT_EQ(ProofOf(Fault::kReload, {.seen = true}), Proof::kConfirmed);
  EXPECT_EQ(ProofOf(Fault::kReload, {}), Proof::kMismatched);
  EXPECT_EQ(Prove(InfoOf(Fault::kUpgrade), {.dead = true, .wait_status = kExit0}).words,
            "the main process ended");
  EXPECT_EQ(Prove(InfoOf(Fault::kRestart), {.refused = "its command ended with exit_1"}).words,
            "its command ended with exit_1");
}

TEST(ProveTest, ASignalOfTheServersOwnMustBeTaken) {
  EXPECT_EQ(ProofOf(Fault::kHup, {.seen = true}), Proof::kConfirmed);
  EXPECT_EQ(ProofOf(Fault::kHup, {.dead = true}), Proof::kConfirmed);
  EXPECT_EQ(ProofOf(Fault::kHup, {.seen = true, .ignored = true}), Proof::kMismatched);
  EXPECT_EQ(ProofOf(Fault::kUsr1, {}), Proof::kMismatched);
}

TEST(ProveTest, WhatIsHeldMustBeSeenAndTakenBack) {
  for (const Fault fault : {Fault::kStop, Fault::kDescriptors, Fault::kAddressSpace, Fault::kCpu,
                            Fault::kThrottle, Fault::kProcesses}) {
    EXPECT_EQ(ProofOf(fault, {.seen = true, .undone = true}), Proof::kConfirmed);
    EXPECT_EQ(ProofOf(fault, {.seen = true}), Proof::kMismatched);
    EXPECT_EQ(ProofOf(fault, {.seen = false, .undone = true}), Proof::kMismatched);
    EXPECT_EQ(ProofOf(fault, {.undone = true}), Proof::kUnproved) << "there was nothing to be seen yet";
    EXPECT_EQ(ProofOf(fault, {}), Proof::kMismatched) << "it could not be taken back";
    EXPECT_EQ(ProofOf(fault, {.dead = true, .seen = true}), Proof::kConfirmed);
    EXPECT_EQ(ProofOf(fault, {.dead = true}), Proof::kUnproved);
  }
}

}  // namespace
}  // namespace hydrapool::harness
