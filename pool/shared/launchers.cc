#include "pool/shared/launchers.h"

#include <map>
#include <span>
#include <utility>

namespace hydrapool::launchers {
namespace {

using Channels = std::map<std::string, sys::Channel, std::less<>>;
Channels& g_all = *new Channels;  // for as long as the process

Channels& All() { return g_all; }

}  // namespace

void Add(std::string user, sys::Channel channel) { All()[std::move(user)] = std::move(channel); }

const sys::Channel* Of(std::string_view user) {
  const auto found = All().find(user);
  return found == All().end() ? nullptr : &found->second;
}

std::vector<int> Descriptors() {
  std::vector<int> numbers;
  for (const auto& [user, channel] : All()) numbers.push_back(channel.fd());
  return numbers;
}

void Signal(pid_t pid, int signal) {
  const ToLauncher message{.kind = ToLauncher::Kind::kSignal, .pid = pid, .signal = signal};
  for (const auto& [user, channel] : All()) channel.Send(std::as_bytes(std::span(&message, 1)), {});
}

}  // namespace hydrapool::launchers
