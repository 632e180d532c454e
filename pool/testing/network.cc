#include "pool/testing/network.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <sstream>

#include "pool/sys/error.h"
#include "pool/testing/command.h"

namespace hydrapool::support {
namespace {

bool Ip(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "ip");
  return RunProgram(arguments).ok();
}

std::string NewName(char end) {
  static std::atomic<int> made{0};
  return fmt::format("hydrapool-{}-{}-{}", ::getpid(), made.fetch_add(1), end);
}

}  // namespace

Network::Network() : near_(NewName('a')), far_(NewName('b')) {
  if (::geteuid() != 0) {
    missing_ = "needs root";
  } else if (!RunProgram({"ip", "-V"}).ok()) {
    missing_ = "needs ip (iproute2)";
  } else if (!Ip({"netns", "add", near_}) || !Ip({"netns", "add", far_}) ||
             !Ip({"link", "add", "cable", "mtu", "1500", "netns", near_, "type", "veth", "peer", "name",
                  "cable", "mtu", "1500", "netns", far_})) {
    missing_ = "no network namespaces here";
  }
  if (!missing_.empty()) return;
  for (const auto& [space, end] : {std::pair(near_, 1), {far_, 2}}) {
    Ip({"-n", space, "addr", "add", fmt::format("10.77.0.{}/24", end), "dev", "cable"});
    Ip({"-n", space, "addr", "add", fmt::format("fd77::{}/64", end), "dev", "cable", "nodad"});
    Ip({"-n", space, "link", "set", "cable", "up"});
    Ip({"-n", space, "link", "set", "lo", "up"});
  }
}

Network::~Network() {
  Ip({"netns", "del", near_});
  Ip({"netns", "del", far_});
}

std::vector<std::string> Network::In(const std::string& space, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"ip", "netns", "exec", space});
  return arguments;
}

bool Network::Run(const std::string& space, std::string_view words) {
  std::istringstream stream{std::string(words)};
  std::vector<std::string> arguments;
  for (std::string word; stream >> word;) arguments.push_back(word);
  const Finished finished = RunProgram(In(space, arguments));
  EXPECT_TRUE(finished.ok()) << words << ": " << finished.output;
  return finished.ok();
}

Network::Inside::Inside(const std::string& space)
    : outside_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
  const sys::UniqueFd inside(::open(("/run/netns/" + space).c_str(), O_RDONLY | O_CLOEXEC));
  sys::Check(::setns(inside.get(), CLONE_NEWNET), "setns");
}

Network::Inside::~Inside() { ::setns(outside_.get(), CLONE_NEWNET); }

}  // namespace hydrapool::support
