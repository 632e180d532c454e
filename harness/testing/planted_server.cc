#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

/// planted_server PORT BUG: a pre-fork server of two workers (stall: of one) that answers every request with
/// "hello", and has one bug that an oracle must find: none, no-reap, two-respawns, no-respawn, drop-accept,
/// leak, truncate, orphan, stall.
namespace {

constexpr int kWorkers = 2;
constexpr std::size_t kEach = 40;  ///< Every so manieth is hurt.
std::string bug;
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

class Worker {
 public:
  Worker(int listener, bool is_later) : listener_(listener), is_later_(is_later) {}

  [[noreturn]] void Serve() {
    for (;;) {
      std::vector<pollfd> waited{{listener_, POLLIN, 0}};
      for (const auto& [fd, in] : connections_) waited.push_back({fd, POLLIN, 0});
      ::poll(waited.data(), waited.size(), -1);
      if (waited[0].revents != 0) Accept();
      for (std::size_t i = 1; i < waited.size(); ++i) {
        if (waited[i].revents != 0) Read(waited[i].fd);
      }
    }
  }

 private:
  void Accept() {
    const int fd = ::accept(listener_, nullptr, nullptr);
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
    in.append(buffer.data(), static_cast<std::size_t>(got));
    for (std::size_t end; (end = in.find("\r\n\r\n")) != std::string::npos;) {
      const bool close = in.find("onnection: close") < end;
      in.erase(0, end + 4);
      if (!Answer(fd) || close) return Close(fd);
    }
  }

  bool Answer(int fd) {
    ++answered_;
    if (bug == "stall" && is_later_) return true;
    std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n";
    const bool cut = bug == "truncate" && answered_ % kEach == 0;
    if (cut) answer.resize(answer.size() - 3);
    return ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(answer.size()) &&
           !cut;
  }

  void Close(int fd) {
    ::close(fd);
    connections_.erase(fd);
  }

  int listener_;
  bool is_later_;
  std::size_t accepted_ = 0;
  std::size_t answered_ = 0;
  std::map<int, std::string> connections_;
};

pid_t Start(int listener, bool is_later) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::signal(SIGTERM, SIG_DFL);
  Worker(listener, is_later).Serve();
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
  if (argc != 3) return 2;
  bug = argv[2];
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
    const int successors = bug == "two-respawns" ? 2 : bug == "no-respawn" ? 0 : 1;
    for (int i = 0; i < successors; ++i) workers.push_back(Start(listener, true));
    if (bug == "leak") static_cast<void>(::open("/dev/null", O_RDONLY));
  }
  if (bug == "orphan") workers.pop_back();
  for (const pid_t worker : workers) ::kill(worker, SIGKILL);
  for (const pid_t worker : workers) ::waitpid(worker, nullptr, 0);
  return 0;
}
