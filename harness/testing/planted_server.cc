#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "pool/sys/kill.h"

/// planted_server PORT BUG [LEDGER]: a pre-fork server of two workers (stall: of one) that answers every
/// request with "hello" and what stands after its '?', a POST with its body, and /status.json as hydrapool
/// does. In LEDGER it notes the id of each request that it executes. It has one bug that an oracle must find:
/// none, no-reap, two-respawns, no-respawn, drop-accept, leak, truncate, orphan, stall, idle, twice, rerun,
/// zeroed, spin.
namespace {

constexpr int kWorkers = 2;
constexpr std::size_t kEach = 40;  ///< Every so manieth is hurt.
std::string bug;
const char* ledger = nullptr;
std::atomic<bool> told_to_end{false};

int Listen(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(fd, 1024) != 0) {
    std::perror("planted_server");
    std::exit(1);
  }
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

/// In memory that all its processes share.
struct Slot {
  std::atomic<pid_t> pid;
  std::atomic<std::uint64_t> requests;
  std::atomic<std::uint64_t> lives;
};
Slot* slots = nullptr;
constexpr std::size_t kSlots = 64;

std::string Status() {
  std::string text = "{\"schema\":1,\"pid\":" + std::to_string(::getppid()) + ",\"workers\":[";
  for (std::size_t i = 0; i < kSlots; ++i) {
    if (slots[i].pid == 0) continue;
    if (text.back() == '}') text += ',';
    text += "{\"slot\":" + std::to_string(i) + ",\"pid\":" + std::to_string(slots[i].pid) +
            ",\"state\":\"ready\",\"incarnation\":" + std::to_string(slots[i].lives) +
            ",\"requests\":" + std::to_string(slots[i].requests) + "}";
  }
  return text + "]}";
}

class Worker {
 public:
  Worker(int listener, Slot& slot, bool is_later) : listener_(listener), slot_(slot), is_later_(is_later) {}

  [[noreturn]] void Serve() {
    for (;;) {
      std::vector<pollfd> waited{{listener_, POLLIN, 0}};
      for (const auto& [fd, in] : connections_) waited.push_back({fd, POLLIN, 0});
      constexpr int kRest = 20;
      constexpr int kLongRest = 100;  // of other connections' requests, or of times in which there was none
      ::poll(waited.data(), waited.size(), bug == "idle" ? kRest : -1);
      if (waited[0].revents != 0) Accept();
      for (std::size_t i = 1; i < waited.size(); ++i) {
        if (waited[i].revents != 0) Read(waited[i].fd);
        if (bug == "idle" && waited[i].revents == 0 && ++rounds_[waited[i].fd] > kLongRest)
          Close(waited[i].fd);
      }
    }
  }

 private:
  void Accept() {
    int fd = ::accept(listener_, nullptr, nullptr);
    while (bug == "spin" && fd < 0 && errno == EMFILE) fd = ::accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    if (bug == "drop-accept" && ++accepted_ % kEach == 0) {
      ::close(fd);
    } else {
      connections_[fd] = "";
    }
  }

  void Read(int fd) {
    std::array<char, 4096> buffer;
    const auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) return Close(fd);
    std::string& in = connections_[fd];
    rounds_[fd] = 0;
    in.append(buffer.data(), static_cast<std::size_t>(got));
    for (std::size_t end; (end = in.find("\r\n\r\n")) != std::string::npos;) {
      const std::string head = in.substr(0, end + 2);
      const auto length_at = head.find("Content-Length: ");
      const std::size_t length = length_at == std::string::npos ? 0 : std::stoul(head.substr(length_at + 16));
      if (in.size() < end + 4 + length) return;
      const std::string body = in.substr(end + 4, length);
      in.erase(0, end + 4 + length);
      const bool close = head.find("onnection: close") != std::string::npos;
      if (!Answer(fd, head, body) || close) return Close(fd);
    }
  }

  bool Answer(int fd, const std::string& head, std::string body) {
    const std::string target = head.substr(head.find(' ') + 1, head.find(" HTTP/") - head.find(' ') - 1);
    const auto query = target.find('?');
    if (target == "/status.json") {
      body = Status();
    } else {
      ++answered_;
      ++slot_.requests;
      if (bug == "stall" && is_later_) return true;
      if (query != std::string::npos) Execute(target.substr(query + 1));
      if (body.empty())
        body = query == std::string::npos ? "hello\n" : "hello " + target.substr(query + 1) + "\n";
    }
    std::string answer =
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    const bool hurt = target != "/status.json" && answered_ % kEach == 0;
    const bool cut = bug == "truncate" && hurt;
    if (cut) answer.resize(answer.size() - 3);
    if (bug == "twice" && hurt) answer += answer;
    return ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(answer.size()) &&
           !cut;
  }

  void Execute(const std::string& id) const {
    if (ledger == nullptr) return;
    const int file = ::open(ledger, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const std::string line = id + "\n";
    for (int times = bug == "rerun" && answered_ % kEach == 0 ? 2 : 1; times > 0; --times) {
      if (::write(file, line.data(), line.size()) < 0) ::_exit(1);
    }
    ::close(file);
  }

  void Close(int fd) {
    ::close(fd);
    connections_.erase(fd);
    rounds_.erase(fd);
  }

  int listener_;
  Slot& slot_;
  bool is_later_;
  std::size_t accepted_ = 0;
  std::size_t answered_ = 0;
  std::map<int, std::string> connections_;
  std::map<int, int> rounds_;  ///< Since each was last asked on.
};

pid_t Start(int listener, bool is_later) {
  Slot* slot = slots;
  while (slot->pid != 0) ++slot;
  ++slot->lives;
  if (bug == "zeroed") slot->requests = 0;
  const pid_t pid = ::fork();
  slot->pid = pid != 0 ? pid : ::getpid();
  if (pid != 0) return pid;
  ::signal(SIGTERM, SIG_DFL);
  Worker(listener, *slot, is_later).Serve();
}

void Vacate(pid_t pid) {
  for (std::size_t i = 0; i < kSlots; ++i) {
    if (slots[i].pid == pid) slots[i].pid = 0;
  }
}

/// Of a worker that has ended; 0: none has, or nobody looks.
pid_t NextDead() {
  siginfo_t info{};
  const int how = bug == "no-reap" ? WEXITED | WNOWAIT : WEXITED;
  constexpr int kPause = 5;
  ::poll(nullptr, 0, kPause);
  return ::waitid(P_ALL, 0, &info, how | WNOHANG) == 0 ? info.si_pid : 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) return 2;
  bug = argv[2];
  if (argc == 4) ledger = argv[3];
  slots = static_cast<Slot*>(
      ::mmap(nullptr, kSlots * sizeof(Slot), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ::signal(SIGTERM, [](int) { told_to_end = true; });
  const int listener = Listen(std::atoi(argv[1]));
  std::vector<pid_t> workers;
  // Of two, one may happen to have every connection: then the other stalls nobody.
  const int count = bug == "stall" ? 1 : kWorkers;
  for (int i = 0; i < count; ++i) workers.push_back(Start(listener, false));
  pid_t seen = 0;
  while (!told_to_end) {
    const pid_t dead = NextDead();
    if (dead == 0 || dead == seen) continue;
    seen = bug == "no-reap" ? dead : 0;
    std::erase(workers, dead);
    Vacate(dead);
    const int successors = bug == "two-respawns" ? 2 : bug == "no-respawn" ? 0 : 1;
    for (int i = 0; i < successors; ++i) workers.push_back(Start(listener, true));
    if (bug == "leak") static_cast<void>(::open("/dev/null", O_RDONLY));
  }
  if (bug == "orphan") workers.pop_back();
  for (const pid_t worker : workers) hydrapool::sys::Kill(worker, SIGKILL);
  for (const pid_t worker : workers) ::waitpid(worker, nullptr, 0);
  return 0;
}
