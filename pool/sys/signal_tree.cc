#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "pool/sys/child.h"
#include "pool/sys/descendants.h"
#include "pool/sys/kill.h"

namespace hydrapool::sys {

void SignalTree(pid_t root, std::vector<FoundProcess>& below, int signal) {
  constexpr std::size_t kMost = 64;  // each takes a descriptor
  for (FoundProcess& each : Descendants(root, kMost)) {
    const bool known = std::ranges::find(below, each.pid, &FoundProcess::pid) != below.end();
    if (!known && ::getpgid(each.pid) != root) below.push_back(std::move(each));
  }
  for (const FoundProcess& each : below) SignalPidfd(each.pidfd.get(), signal);
  if (::getpgid(root) != root) Kill(root, signal);
  KillGroup(root, signal);
}

}  // namespace hydrapool::sys
