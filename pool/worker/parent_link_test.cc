// What a worker says where its parent does not listen.
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <thread>
#include <utility>

#include "pool/worker/worker_desk.h"

namespace hydrapool {
namespace {

using Kind = ToParent::Kind;

struct ParentLinkTest : testing::Test {
  void Open(std::chrono::milliseconds patience) {
    auto [parents, workers] = sys::MakeChannel();
    parents_ = std::move(parents);
    link_.emplace(ring_, bell_, std::move(workers), sys::UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
                  patience);
  }
  int Fill() {
    int told = 0;
    while (link_->Tell({.kind = Kind::kLetGo})) ++told;
    return told + 1;  // the last one waits its turn
  }
  int Hear() const {
    std::array<std::byte, sys::Channel::kMaxPacket> buffer;
    int heard = 0;
    while (parents_.Receive(buffer)) ++heard;
    return heard;
  }

  ReturnRing ring_{4};
  Doorbell bell_;
  sys::Channel parents_;
  std::optional<ParentLink> link_;
};

TEST_F(ParentLinkTest, AnOfferWaitsForRoom) {
  Open(std::chrono::seconds(60));
  const int told = Fill();
  int heard = 0;
  std::jthread parent([this, &heard, told] {
    while (heard < told + 1) heard += Hear();
  });
  EXPECT_TRUE(link_->Tell({.kind = Kind::kOffer}));
  parent.join();
  EXPECT_EQ(heard, told + 1) << "what was told before has come before";
}

TEST_F(ParentLinkTest, WhereNobodyListensItIsRefusedUntilThereIsRoom) {
  Open(std::chrono::milliseconds(1));
  const int told = Fill();
  EXPECT_FALSE(link_->Tell({.kind = Kind::kOffer}));
  EXPECT_FALSE(link_->Tell({.kind = Kind::kOffer}));
  EXPECT_EQ(Hear(), told - 1);
  EXPECT_TRUE(link_->Tell({.kind = Kind::kOffer}));
  EXPECT_EQ(Hear(), 2) << "what waited its turn, and the offer";
}

TEST_F(ParentLinkTest, WhereTheParentsEndIsClosedNothingWaits) {
  Open(std::chrono::seconds(60));
  Fill();
  parents_.Close();
  EXPECT_TRUE(link_->Tell({.kind = Kind::kOffer})) << "its worker is about to be ended";
}

}  // namespace
}  // namespace hydrapool
