#include "pool/sys/privileges.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "pool/sys/child.h"
#include "pool/sys/test_tcp.h"

namespace hydrapool::sys {
namespace {

TEST(FindUserTest, KnowsRoot) {
  const auto root = FindUser("root");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->uid, 0u);
  EXPECT_EQ(root->gid, 0u);
}

TEST(FindUserTest, TakesAGroupOfItsOwn) {
  const auto user = FindUser("nobody:daemon");
  ASSERT_TRUE(user);
  EXPECT_EQ(user->name, "nobody");
  EXPECT_EQ(user->uid, FindUser("nobody")->uid);
  EXPECT_EQ(user->gid, FindUser("daemon")->gid);
}

TEST(FindUserTest, TakesNumbersThatAreKnown) {
  const auto nobody = *FindUser("nobody");
  const auto by_number = FindUser(std::to_string(nobody.uid));
  ASSERT_TRUE(by_number);
  EXPECT_EQ(by_number->name, "nobody");
  EXPECT_EQ(by_number->gid, nobody.gid);
  EXPECT_EQ(FindUser("0:" + std::to_string(FindUser("daemon")->gid))->gid, FindUser("daemon")->gid);
  for (const auto* unknown : {"3999999999", "-1", "0x0", "0 ", "99999999999999999999", "0:3999999999"})
    EXPECT_FALSE(FindUser(unknown)) << unknown;
}

TEST(FindUserTest, SaysWhoIsNotThere) {
  EXPECT_EQ(FindUser("no-such-user").error().message, "there is no user 'no-such-user'");
  EXPECT_EQ(FindUser("root:no-such-group").error().message, "there is no group 'no-such-group'");
  EXPECT_FALSE(FindUser(""));
  EXPECT_FALSE(FindUser("root:"));
}

/// What a child finds, who may change for good.
bool InAChild(const std::function<bool()>& holds) {
  Child child = Child::Fork([&] { return holds() ? 0 : 1; });
  return test::WaitFor(child.pidfd(), POLLIN) && child.TryReap()->Describe() == "exit_0";
}

TEST(BecomeTest, WhoIsTheUserAlreadyNeedNotBeRoot) {
  EXPECT_TRUE(
      InAChild([] { return Become({.name = "me", .uid = ::getuid(), .gid = ::getgid()}).has_value(); }));
}

TEST(BecomeTest, IsForGood) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another";
  const auto nobody = *FindUser("nobody");
  const auto root = *FindUser("root");
  EXPECT_TRUE(InAChild([&] {
    gid_t groups[16];
    return Become(nobody).has_value() && ::getuid() == nobody.uid && ::getgid() == nobody.gid &&
           ::getgroups(16, groups) == 1 && groups[0] == nobody.gid && ::setuid(0) != 0 && ::setgid(0) != 0 &&
           Become(root).error().code == EPERM;
  }));
}

}  // namespace
}  // namespace hydrapool::sys
