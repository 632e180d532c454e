#include "loadgen/engine/host_watch.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <atomic>
#include <memory>
#include <thread>

namespace hydrapool::loadgen {
namespace {

const Plan kPlan{.targets = {{.url = "http://h:81/a"}, {.url = "http://h:81/b"}}};

/// What a resolver says, which the test changes.
struct Answers {
  std::atomic<int> asked = 0;
  std::atomic<const char*> address = "127.0.0.1";

  void WaitForOneMore() const {
    for (const int before = asked; asked < before + 2;) std::this_thread::yield();
  }
};

TEST(ResolverWatchTest, TellsWhatChanged) {
  const auto answers = std::make_shared<Answers>();
  const ResolverWatch watch(
      kPlan, sys::kMillisecond, [answers](const std::string& host, const std::string& port) {
        EXPECT_EQ(host + " " + port, "h 81");
        ++answers->asked;
        const char* address = answers->address;
        return address == nullptr ? Endpoint{.error = "none"} : ResolveHost(address, port);
      });
  answers->WaitForOneMore();
  EXPECT_EQ(watch.version(), 0u);
  EXPECT_TRUE(watch.AddressesOf("h", "81").empty());
  answers->address = nullptr;
  answers->WaitForOneMore();
  EXPECT_EQ(watch.version(), 0u) << "no answer is no change";
  answers->address = "127.0.0.2";
  while (watch.version() == 0) std::this_thread::yield();
  const auto addresses = watch.AddressesOf("h", "81");
  ASSERT_EQ(addresses.size(), 1u);
  const auto* found = reinterpret_cast<const sockaddr_in*>(addresses[0].get());
  EXPECT_EQ(found->sin_addr.s_addr, htonl(INADDR_LOOPBACK + 1));
  EXPECT_TRUE(watch.AddressesOf("other", "81").empty());
}

TEST(ResolverWatchTest, TheFirstAddressesBehindNoneAreAChange) {
  const auto answers = std::make_shared<Answers>();
  answers->address = nullptr;
  const ResolverWatch watch(
      kPlan, sys::kMillisecond, [answers](const std::string& /*host*/, const std::string& port) {
        ++answers->asked;
        const char* address = answers->address;
        return address == nullptr ? Endpoint{.error = "none"} : ResolveHost(address, port);
      });
  answers->WaitForOneMore();
  EXPECT_EQ(watch.version(), 0u);
  answers->address = "127.0.0.1";
  answers->WaitForOneMore();
  EXPECT_EQ(watch.version(), 1u);
  EXPECT_EQ(watch.AddressesOf("h", "81").size(), 1u);
}

TEST(ResolverWatchTest, ItsEndWaitsForNoResolver) {
  const auto asked = std::make_shared<std::atomic<bool>>(false);
  const auto go_on = std::make_shared<std::atomic<bool>>(false);
  const auto left = std::make_shared<std::atomic<bool>>(false);
  {
    const ResolverWatch watch(kPlan, sys::kSecond, [=](const std::string&, const std::string&) {
      *asked = true;
      while (!*go_on) std::this_thread::yield();
      *left = true;
      return Endpoint{};
    });
    while (!*asked) std::this_thread::yield();
  }
  *go_on = true;
  while (!*left) std::this_thread::yield();
}

}  // namespace
}  // namespace hydrapool::loadgen
