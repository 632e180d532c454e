#include "harness/run/scenario_server.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <thread>
#include <utility>

#include "harness/fault/process_tree.h"
#include "harness/observe/pool_watch.h"
#include "harness/run/leftovers.h"
#include "pool/admin/client.h"
#include "pool/sys/clock.h"
#include "pool/sys/kill.h"

namespace hydrapool::harness {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr sys::Nanos kToComeUp = 15 * sys::kSecond;
constexpr sys::Nanos kToSucceed = 5 * sys::kSecond;
constexpr milliseconds kToEnd{10'000};
constexpr milliseconds kToLeave{5'000};
constexpr milliseconds kBetweenTries{10};
constexpr milliseconds kAnswer{1000};

constexpr const char* kFailpoints = "HYDRAPOOL_FAILPOINTS";

/// Behind those that this process was given.
std::string WithOwn(const std::string& failpoints) {
  const char* own = std::getenv(kFailpoints);
  return own == nullptr || *own == '\0' ? failpoints : own + ("," + failpoints);
}

std::string Between(const std::string& text, const std::string& before, std::string_view after) {
  const auto at = text.find(before);
  if (at == text.npos) return "";
  const auto begin = at + before.size();
  const auto end = text.find(after, begin);
  return end == text.npos ? "" : text.substr(begin, end - begin);
}

/// "http://HOST:PORT/metrics", or "unix:/PATH", which others have said as "http://unix:/PATH/metrics".
std::string AdminIn(const std::string& log) {
  const std::string said = Between(log, "admin on ", "\n");
  return said.starts_with("http://") ? Between(said, "http://", "/metrics") : said;
}

sys::Result<std::string> Directory(const HydrapoolStart& start, const std::string& scenario_file) {
  const std::string& path = start.cgi_dir;
  const fs::path beside = fs::path(scenario_file).parent_path() / path;
  const fs::path above = ProgramDirectory().parent_path() / path;
  for (const fs::path& candidate : {beside, above}) {
    if (fs::is_directory(candidate)) return fs::absolute(candidate).lexically_normal().string();
  }
  return sys::Failure(fmt::format("{}:{}: cgi_dir '{}' is neither {} nor {}", scenario_file, start.cgi_line,
                                  path, beside.string(), above.string()));
}

/// Of a UNIX socket, which costs least to ask, where the name fits.
std::string AdminAddress(const std::string& path) {
  return path.size() < sizeof(sockaddr_un::sun_path) ? "unix:" + path : "127.0.0.1:0";
}

bool AllReady(const std::string& admin, std::size_t workers) {
  const auto status = FetchStatus(admin);
  return status && static_cast<std::size_t>(std::ranges::count_if(
                       status->workers, [](const auto& worker) { return worker.ready; })) == workers;
}

/// What a command line calls --parent is `parent` in a file.
tl::unexpected<sys::Error> AtItsLine(const std::string& file, int line, sys::Error error) {
  if (error.message.starts_with("--")) error.message.erase(0, 2);
  error.message = fmt::format("{}:{}: attach: {}", file, line, error.message);
  return tl::unexpected(std::move(error));
}

}  // namespace

std::string OriginOf(const std::string& url) {
  return url.substr(0, url.find('/', std::string("http://").size()));
}

sys::Result<ScenarioServer> ScenarioServer::Start(const Scenario& scenario, const ScratchDir& scratch,
                                                  const CalledOff& called_off) {
  ScenarioServer server;
  server.log_ = scratch / "server.log";
  if (!std::holds_alternative<Attachment>(scenario.server)) AdoptOrphans();
  sys::Result<void> started;
  if (const auto* hydrapool = std::get_if<HydrapoolStart>(&scenario.server)) {
    started = server.StartHydrapool(scenario, *hydrapool, called_off);
  } else if (const auto* command = std::get_if<CommandStart>(&scenario.server)) {
    started = server.StartCommand(*command, scratch / "work", called_off);
  } else {
    const auto& attach = std::get<Attachment>(scenario.server);
    started = server.AttachTo(attach, scenario);
    if (!started && attach.line > 0) return AtItsLine(scenario.file, attach.line, started.error());
  }
  if (!started) return tl::unexpected(started.error());
  server.pidfd_ = sys::OpenPidfd(server.main_);
  return server;
}

template <typename Condition>
sys::Result<void> ScenarioServer::Await(const std::string& what, const CalledOff& called_off,
                                        Condition holds) {
  const sys::Nanos deadline = sys::Now() + kToComeUp;
  while (!holds()) {
    if (called_off())
      return tl::unexpected(sys::Error{ECANCELED, "called off before the server was there: " + what});
    if (EndsWithin(child_.pidfd(), kBetweenTries)) return EndedAtOnce();
    if (sys::Now() > deadline) return sys::Failure(fmt::format("{} within 15 s: {}", what, LastWords()));
  }
  return {};
}

sys::Result<void> ScenarioServer::EndedAtOnce() {
  auto left = MembersOf(child_.pid());  // before it is reaped: then its number may be another's
  const auto status = child_.TryReap();
  AddOrphans(left);
  const bool went_on = !EndAll(std::move(left), milliseconds(0)).empty();
  return sys::Failure(fmt::format(
      "the server ended at once ({}){}: {}", status->Describe(),
      went_on ? "; what it left behind was killed, for it must stay in the foreground" : "", LastWords()));
}

sys::Result<void> ScenarioServer::StartHydrapool(const Scenario& scenario, const HydrapoolStart& options,
                                                 const CalledOff& called_off) {
  const std::string admin = AdminAddress(log_ + ".admin");
  std::vector<std::string> arguments{
      SiblingProgram("hydrapool"),     "--listen",       "127.0.0.1:0", "--admin", admin, "--workers",
      fmt::to_string(options.workers), "--expose-worker"};
  if (!options.cgi_dir.empty()) {
    const auto directory = Directory(options, scenario.file);
    if (!directory) return tl::unexpected(directory.error());
    arguments.insert(arguments.end(), {"--cgi-dir", *directory});
  }
  arguments.insert(arguments.end(), options.flags.begin(), options.flags.end());
  const auto of_a_program = [](const FaultPlan& plan) { return plan.target.kind == Target::kCgiOf; };
  if (std::ranges::any_of(scenario.faults, of_a_program) &&
      std::ranges::find(options.flags, "--control") == options.flags.end())
    arguments.insert(arguments.end(), {"--control", log_ + ".control"});
  Environment environment;
  if (!scenario.failpoints.empty()) environment.emplace_back(kFailpoints, WithOwn(scenario.failpoints));
  child_ = StartProgram(arguments, log_, environment);
  must_end_clean_ = true;
  std::string address;
  const auto listens = Await("hydrapool did not listen", called_off, [&] {
    const std::string log = ReadFile(log_);
    address = Between(log, "listening on http://", "/");
    admin_ = AdminIn(log);
    return !address.empty() && !admin_.empty();
  });
  if (!listens) return listens;
  origin_ = "http://" + address;
  const auto ready = Await("hydrapool's workers were not ready", called_off,
                           [&] { return AllReady(admin_, static_cast<std::size_t>(options.workers)); });
  if (!ready) return ready;
  main_ = group_ = child_.pid();
  return {};
}

sys::Result<void> ScenarioServer::StartCommand(const CommandStart& command, const std::string& work,
                                               const CalledOff& called_off) {
  if (admin::HttpGet(command.url, kAnswer))
    return sys::Failure(fmt::format("something answers at {} before the server is started", command.url));
  for (const auto& [name, text] : command.files) {
    std::ofstream file(work + "/" + name);
    file << text << std::flush;
    if (!file) return sys::Failure(errno, work + "/" + name);
  }
  child_ = StartProgram(command.arguments, log_);
  main_ = group_ = child_.pid();
  admin_ = command.admin;
  origin_ = OriginOf(command.url);
  return Await(fmt::format("{} did not answer", command.url), called_off,
               [&] { return admin::HttpGet(command.url, kAnswer).has_value(); });
}

sys::Result<void> ScenarioServer::AttachTo(const Attachment& attach, const Scenario& scenario) {
  const auto main = MainProcess(attach.parent, attach.admin);
  if (!main) return tl::unexpected(main.error());
  main_ = *main;
  const auto checked = scenario.faults.empty() ? CheckServer(attach.admin, main_)
                                               : CheckVictims(attach.admin, main_, scenario.limits.any_user);
  if (!checked) return checked;
  origin_ = OriginOf(attach.url);
  admin_ = attach.admin;
  const auto page = admin::HttpGet(attach.url, kAnswer);
  if (!page) return sys::Failure(fmt::format("{} does not answer: {}", attach.url, page.error().message));
  return {};
}

bool ScenarioServer::Lives() {
  if (pidfd_ && !EndsWithin(pidfd_.get(), milliseconds(0))) return true;
  if (admin_.empty() || has_ended_) return false;
  // Its successor may be about to execute itself, and then drops who asks.
  auto now = Processes();
  for (const sys::Nanos deadline = sys::Now() + kToSucceed; !now && sys::Now() < deadline; now = Processes())
    std::this_thread::sleep_for(kBetweenTries);
  has_ended_ = !now || now->main() == nullptr || !IsOurs(now->main()->identity.pid);
  if (has_ended_) return false;
  successor_ = main_ = now->main()->identity.pid;
  pidfd_ = sys::OpenPidfd(main_);
  if (pidfd_ && child_) {
    child_.TryReap();
    child_ = sys::Child::Adopt(main_, sys::OpenPidfd(main_));
  }
  return static_cast<bool>(pidfd_);
}

std::string ScenarioServer::LastWords() const {
  std::string words = LastLineOf(log_);
  return words.empty() ? "it has said nothing" : words;
}

// The admin endpoint's port may be another server's by now.
bool ScenarioServer::IsOurs(pid_t main) const { return !child_ || ::getpgid(main) == group_; }

int ScenarioServer::port() const {
  constexpr int kOfHttp = 80;
  const auto colon = origin_.rfind(':');
  int port = 0;
  std::from_chars(origin_.data() + colon + 1, origin_.data() + origin_.size(), port);
  return port > 0 ? port : kOfHttp;
}

std::string ScenarioServer::UrlOf(const std::string& url) const {
  return url.starts_with('/') ? origin_ + url : url;
}

sys::Result<ServerProcesses> ScenarioServer::Processes() const { return ProcessesNow(admin_, main_); }

std::optional<std::string> ScenarioServer::Stop() {
  if (!child_) return std::nullopt;
  auto problem = End();
  child_ = {};
  return problem;
}

std::optional<std::string> ScenarioServer::End() {
  const bool was_alive = Lives();
  // Where the first process is gone, its group's number is the server's only as long as the server lives.
  const bool leads = child_.pid() == group_;
  std::vector<Leftover> left;
  if (!leads && ::getpgid(main_) == group_) left = MembersOf(group_);
  child_.Signal(SIGTERM);
  const bool ended = EndsWithin(child_.pidfd(), kToEnd);
  if (!ended) child_.Signal(SIGKILL);
  static_cast<void>(EndsWithin(child_.pidfd(), kToEnd));
  if (leads) left = MembersOf(group_);
  AddOrphans(left);
  const auto outlived = EndAll(std::move(left), kToLeave);
  if (leads) sys::KillGroup(group_, SIGKILL);
  const auto status = child_.TryReap();
  if (!was_alive && status)
    return fmt::format("the server ended before its time ({}): {}", status->Describe(), LastLineOf(log_));
  if (!ended) return "the server did not end within 10 s of TERM and was killed";
  if (must_end_clean_ && status && !status->clean())
    return fmt::format("the server ended with {} after TERM, not with 0", status->Describe());
  if (!outlived.empty())
    return fmt::format("{} processes of the server outlived it: pid {}", outlived.size(),
                       fmt::join(outlived, ", "));
  return std::nullopt;
}

}  // namespace hydrapool::harness
