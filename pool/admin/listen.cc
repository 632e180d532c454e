#include "pool/admin/listen.h"

#include <linux/filter.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "hydrapool/listen.h"
#include "pool/admin/client.h"
#include "pool/sys/error.h"

namespace hydrapool::admin {
namespace {

bool IsLeaving(const std::string& address) {
  const auto page = HttpGet(address, "/readyz", std::chrono::seconds(1));
  return page && page->status == 503 && page->body == "not ready: draining\n";
}

// The second of the two has index 1. A listener that is alone has none, and the kernel takes what there is.
void TakeAllConnections(int listener) {
  sock_filter second = BPF_STMT(BPF_RET | BPF_K, 1);
  const sock_fprog program{.len = 1, .filter = &second};
  sys::Check(::setsockopt(listener, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program),
             "SO_ATTACH_REUSEPORT_CBPF");
}

}  // namespace

sys::UniqueFd ListenBesideLeaving(const std::string& address) {
  try {
    return Listen(address);
  } catch (const std::system_error& error) {
    if (error.code().value() != EADDRINUSE || !IsLeaving(address)) throw;
  }
  auto listener = Listen(address, {.share_port = true});
  TakeAllConnections(listener.get());
  return listener;
}

void LetSuccessorListen(int listener) {
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
}

bool AnotherListensBeside(int listener) {
  struct Listening {
    std::string address;
    unsigned long inode = 0;
  };
  std::vector<Listening> all;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);  // its title
    while (std::getline(file, line)) {
      std::string number, peer, state, queues, timer, retransmits, uid, timeout;
      Listening each;
      std::istringstream(line) >> number >> each.address >> peer >> state >> queues >> timer >> retransmits >>
          uid >> timeout >> each.inode;
      if (state != "0A") break;  // those that listen come first
      all.push_back(std::move(each));
    }
  }
  struct stat own {};
  ::fstat(listener, &own);
  const auto is_own = std::ranges::find(all, own.st_ino, &Listening::inode);
  return is_own != all.end() && std::ranges::count(all, is_own->address, &Listening::address) > 1;
}

}  // namespace hydrapool::admin
