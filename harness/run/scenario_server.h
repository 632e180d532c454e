#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/fault/targets.h"
#include "harness/run/program.h"
#include "harness/run/scenario.h"
#include "pool/sys/child.h"
#include "pool/sys/error.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::harness {

/// The server of a scenario: started by the harness, or one that runs already and is attached to.
///
///     auto server = ScenarioServer::Start(scenario, scratch);
///     if (!server) return UsageError(server.error().message);
///     … server->origin() …
///     if (auto problem = server->Stop()) …
///
/// A hydrapool serves on a port of the kernel's choice, tells of itself on a UNIX socket, and is up when
/// /healthz answers and every worker is ready; a command, when its URL answers anything; one that is attached
/// to must answer already. What the harness started is told to end (TERM) by Stop() or the destructor, also
/// where another process has taken the place of the one that was started (whose exit code nobody tells then).
/// What it attached to is left alone. Its log: scratch/server.log.
class ScenarioServer {
 public:
  /// Asked while it is waited for; true: it is not wanted any more.
  using CalledOff = std::function<bool()>;
  /// Blocks for at most 15 s. An Error of the code ECANCELED: it was called off.
  static sys::Result<ScenarioServer> Start(const Scenario& scenario, const ScratchDir& scratch,
                                           const CalledOff& called_off);
  ScenarioServer(ScenarioServer&&) = default;
  ScenarioServer& operator=(ScenarioServer&&) = default;
  ~ScenarioServer() { Stop(); }

  /// To which signals for the whole server go.
  [[nodiscard]] pid_t main() const { return main_; }
  [[nodiscard]] const std::string& origin() const { return origin_; }  ///< "http://127.0.0.1:8080"
  [[nodiscard]] const std::string& admin() const { return admin_; }    ///< "h:9180", "unix:/PATH" or empty.
  [[nodiscard]] int port() const;                                      ///< 8080
  /// It lives, or another process of it has taken its place: then that is main() now.
  /// Blocks for at most 5 s where it has ended.
  [[nodiscard]] bool Lives();
  /// The process that has taken its place since this was last asked.
  std::optional<pid_t> TakeSuccessor() { return std::exchange(successor_, std::nullopt); }

  /// `url` itself, or the origin and that path.
  [[nodiscard]] std::string UrlOf(const std::string& url) const;
  /// Who can be hurt now.
  [[nodiscard]] sys::Result<ServerProcesses> Processes() const;

  /// Ends what was started. What was wrong with its end, in words. The second time does nothing.
  std::optional<std::string> Stop();

 private:
  ScenarioServer() = default;
  sys::Result<void> StartHydrapool(const Scenario& scenario, const HydrapoolStart& options,
                                   const CalledOff& called_off);
  sys::Result<void> StartCommand(const CommandStart& command, const std::string& work,
                                 const CalledOff& called_off);
  sys::Result<void> AttachTo(const Attachment& attach, const Scenario& scenario);
  template <typename Condition>
  sys::Result<void> Await(const std::string& what, const CalledOff& called_off, Condition holds);
  [[nodiscard]] sys::Result<void> EndedAtOnce();
  [[nodiscard]] std::string LastWords() const;
  /// Whether that process can have taken the place of what was started.
  [[nodiscard]] bool IsOurs(pid_t main) const;
  std::optional<std::string> End();

  sys::Child child_;
  sys::UniqueFd pidfd_;
  pid_t main_ = 0;
  std::optional<pid_t> successor_;
  pid_t group_ = 0;  ///< The process group of what was started.
  bool must_end_clean_ = false;
  bool has_ended_ = false;  ///< And nobody has taken its place in time.
  std::string origin_;
  std::string admin_;
  std::string log_;
};

/// "http://host:80/path" → "http://host:80".
[[nodiscard]] std::string OriginOf(const std::string& url);

}  // namespace hydrapool::harness
