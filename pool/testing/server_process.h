#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "pool/sys/child.h"
#include "pool/testing/command.h"
#include "pool/testing/scratch.h"

namespace hydrapool::support {

struct ServerOptions {
  int workers = 2;                     ///< 0: as the flags have it
  std::string cgi_dir = SamplesDir();  ///< empty: none
  std::vector<std::string> flags = {};
  bool supervised = false;
  Environment environment = {};
  std::string failpoints = {};           ///< HYDRAPOOL_FAILPOINTS of the server
  std::vector<std::string> before = {};  ///< a command to run it by, as "ip netns exec NAME"
  std::string listen = "127.0.0.1:0";    ///< empty: as the flags have it
  std::string admin = "127.0.0.1:0";
  std::string program = HYDRAPOOL_BIN_DIR "/hydrapool";
  std::string log_file = {};  ///< --log-file; empty: its stderr
};

/// A `hydrapool` of this build that serves on ports of the kernel's choice, with a log of its own.
///
///     ServerProcess server({.workers = 4});
///     HttpClient client(server.address());
///     ...
///     EXPECT_TRUE(server.Stop().clean());
///
/// The constructor returns when /healthz answers and every worker is ready; a server that does not come up
/// fails the test and throws std::runtime_error. The destructor kills what is left; after a failed
/// expectation it prints the log's end. CGI programs find HYDRAPOOL_RECORD_FILE in their environment:
/// record().
class ServerProcess {
 public:
  explicit ServerProcess(const ServerOptions& options = {});
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  [[nodiscard]] const std::string& address() const { return address_; }  ///< "127.0.0.1:PORT"
  [[nodiscard]] const std::string& admin() const { return admin_; }
  [[nodiscard]] std::string record() const { return scratch_ / "record"; }
  [[nodiscard]] std::string Log() const { return ReadFile(log_); }

  /// /status.json. Null where it does not answer, which is a failure.
  [[nodiscard]] nlohmann::json Status() const;
  [[nodiscard]] std::uint64_t Total(const std::string& name) const;
  /// Asks again and again until `holds`, at most 20 s; false: it never did.
  bool Await(const std::function<bool(const nlohmann::json&)>& holds) const;
  bool AwaitTotal(const std::string& name, std::uint64_t at_least) const;
  /// Until all workers are ready and no request is in hand.
  bool AwaitQuiet() const;

  [[nodiscard]] std::vector<pid_t> Workers() const;
  /// By pidfd, after a second look at whose child it is.
  void SignalWorker(pid_t worker, int signal) const;
  void Signal(int signal) const { child_.Signal(signal); }
  /// Children of the server that are no workers: its CGI processes; zombies count.
  [[nodiscard]] std::vector<pid_t> Programs() const;

  /// TERM, then waits for the end; a server that does not end is killed and fails the test.
  sys::ExitStatus Stop(std::chrono::milliseconds deadline = std::chrono::seconds(20));
  sys::ExitStatus WaitForEnd(std::chrono::milliseconds deadline);

 private:
  void AwaitReady();
  ScratchDir scratch_;
  std::string address_;
  std::string admin_;
  bool supervised_;
  std::vector<std::string> before_;
  const std::string log_;
  sys::Child child_;
};

/// The living and dead-but-unreaped children of a process.
std::vector<pid_t> ChildrenOf(pid_t parent);
[[nodiscard]] bool Alive(pid_t pid);

/// Tries until `holds` or 20 s have passed.
bool Eventually(const std::function<bool()>& holds);

/// GTEST_SKIP's condition for tests that arm failpoints.
#ifdef HYDRAPOOL_FAILPOINTS
inline constexpr bool kHaveFailpoints = true;
#else
inline constexpr bool kHaveFailpoints = false;
#endif

}  // namespace hydrapool::support
