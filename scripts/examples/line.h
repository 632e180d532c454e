#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "hydrapool/process_pool.h"

/// The teaching code's protocol: a client says "PROGRAM\r\n", gets the output of that program, and the end of
/// the connection. `hydrapool --handler line --cgi-dir DIRECTORY`.
///
///     hydrapool::ProcessPool<Line> pool({}, [](hydrapool::WorkerContext&) { return Line("/srv/programs");
///     }); pool.Serve(hydrapool::Listen("127.0.0.1:8080"));       // then: printf 'date\r\n' | nc 127.0.0.1
///     8080
///
/// PROGRAM is the name of an executable file in the directory: no '/', no '.' in front. Its standard input is
/// empty, its errors are the server's. What is no such name is answered with one line, "no such program".
/// The end comes when the program has ended and its output too. It runs once: where its worker dies before
/// its output has begun its client gets "abandoned", and where it has begun a reset, which it cannot take for
/// the end. One whose client leaves, or that is not done after a minute, is killed.
class Line {
 public:
  static constexpr std::size_t kLongest = 1024;

  explicit Line(std::string directory) : directory_(std::move(directory)) {}

  hydrapool::Decision OnInput(hydrapool::Connection&, std::string_view input) {
    const auto end = input.find("\r\n");
    if (end == input.npos && input.size() < kLongest) return hydrapool::NeedMore{};
    if (end != input.npos && end < kLongest && IsProgram(input.substr(0, end))) return hydrapool::Start{};
    return NoSuchProgram(input.size());
  }
  hydrapool::Begun Begin(hydrapool::Exchange& exchange, std::string_view input) {
    const auto end = input.find("\r\n");
    auto run = std::make_unique<Run>(exchange, directory_, std::string(input.substr(0, end)), end + 2);
    if (!run->runs()) return NoSuchProgram(0);
    return run;
  }
  static std::string AbandonedReply(hydrapool::Excuse) { return "abandoned\r\n"; }

 private:
  /// One program, from its start to the end of its output.
  class Run final : public hydrapool::Execution {
   public:
    Run(hydrapool::Exchange& exchange, const std::string& directory, const std::string& name,
        std::size_t request)
        : exchange_(exchange) {
      int ends[2];
      if (::pipe2(ends, O_CLOEXEC) != 0) return;
      output_.Reset(ends[0]);
      const hydrapool::UniqueFd theirs(ends[1]);
      ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
      exchange.BeginOnce();
      exchange.Consume(static_cast<std::uint32_t>(request));
      exchange.SetDeadline(hydrapool::Now() + 60 * hydrapool::kSecond);
      pid_ = Spawn(directory + "/" + name, name, theirs.get());
      if (pid_ < 0) return;
      pidfd_.Reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
      watch_ = exchange.Watch(output_.get(), EPOLLIN | EPOLLET, [this](std::uint32_t) { Pass(); });
    }
    ~Run() override {
      watch_.Reset();
      if (pid_ < 0) return;
      if (!ended_) ::kill(-pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    [[nodiscard]] bool runs() const { return pid_ > 0; }
    void OnStepDone() override { Pass(); }
    void OnDeadline() override { exchange_.Abort(); }

   private:
    static pid_t Spawn(const std::string& path, std::string name, int output) {
      posix_spawn_file_actions_t actions;
      posix_spawnattr_t attributes;
      posix_spawn_file_actions_init(&actions);
      posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
      posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
      posix_spawnattr_init(&attributes);
      sigset_t all;
      sigset_t none;
      sigfillset(&all);
      sigemptyset(&none);
      posix_spawnattr_setsigdefault(&attributes, &all);
      posix_spawnattr_setsigmask(&attributes, &none);
      posix_spawnattr_setflags(&attributes,
                               POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
      char* const arguments[] = {name.data(), nullptr};
      pid_t pid = -1;
      const int error = ::posix_spawn(&pid, path.c_str(), &actions, &attributes, arguments, environ);
      posix_spawn_file_actions_destroy(&actions);
      posix_spawnattr_destroy(&attributes);
      return error == 0 ? pid : -1;
    }
    // At most so many pieces in one turn: the worker's other clients come first then.
    void Pass() {
      for (int pieces = 0; !output_over_ && !exchange_.sending(); ++pieces) {
        if (pieces == 16) {
          turn_ = exchange_.At(0, [this] { Pass(); });
          return;
        }
        const auto buffer = exchange_.buffer();
        const ssize_t count = ::read(output_.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return;
        if (count == 0) return AwaitEnd();
        const auto progress = exchange_.Send(
            {.prefix = static_cast<std::uint32_t>(count), .then = hydrapool::Transmission::Then::kMore});
        if (progress != hydrapool::Exchange::Progress::kComplete) return;
      }
    }
    void AwaitEnd() {
      output_over_ = true;
      watch_ = exchange_.Watch(pidfd_.get(), EPOLLIN, [this](std::uint32_t) {
        ended_ = true;
        watch_.Reset();
        exchange_.Send({.then = hydrapool::Transmission::Then::kDoneAndClose});
      });
    }

    hydrapool::Exchange& exchange_;
    hydrapool::UniqueFd output_;
    hydrapool::UniqueFd pidfd_;
    hydrapool::EventLoop::Watch watch_;
    hydrapool::EventLoop::Timer turn_;
    pid_t pid_ = -1;
    bool output_over_ = false;
    bool ended_ = false;
  };

  [[nodiscard]] bool IsProgram(std::string_view name) const {
    if (name.empty() || name.front() == '.') return false;
    if (name.find('/') != name.npos || name.find('\0') != name.npos) return false;
    const std::string path = directory_ + "/" + std::string(name);
    struct stat found {};
    return ::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && ::access(path.c_str(), X_OK) == 0;
  }
  static hydrapool::Reply NoSuchProgram(std::size_t consume) {
    return {.consume = consume, .bytes = "no such program\r\n", .keep_open = false};
  }

  const std::string directory_;
};
