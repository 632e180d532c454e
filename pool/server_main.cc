#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "hydrapool/process_pool.h"
#include "metrics/fates_json.h"
#include "metrics/metrics_page.h"
#include "metrics/status_json.h"
#include "metrics/status_page.h"
#include "pool/admin/client.h"
#include "pool/admin/listen.h"
#include "pool/admin/server.h"
#include "pool/cgroups_of_site.h"
#include "pool/control/ctl.h"
#include "pool/control/server.h"
#include "pool/direct/direct_pool.h"
#include "pool/launchers_of_site.h"
#include "pool/option_checks.h"
#include "pool/options.h"
#include "pool/parent/pool.h"
#include "pool/shared/dispatcher.h"
#include "pool/shared/process_cgroups.h"
#include "pool/shared/readiness.h"
#include "pool/site.h"
#include "pool/start_check.h"
#include "pool/sys/activation.h"
#include "pool/sys/error.h"
#include "pool/sys/inheritance.h"
#include "pool/sys/lifeline.h"
#include "pool/sys/log.h"
#include "pool/sys/privileges.h"
#include "pool/sys/signals.h"
#include "pool/sys/socket.h"
#include "scripts/examples/echo.h"
#include "scripts/examples/line.h"

namespace hydrapool::server {
namespace {

admin::Page Alive() { return {200, "text/plain", "ok\n"}; }

admin::Page Ready(const Scoreboard& board) {
  const Readiness readiness = JudgeReadiness(board, sys::Now());
  if (readiness == Readiness::kReady) return {200, "text/plain", "ready\n"};
  return {.status = 503,
          .content_type = "text/plain",
          .body = "not ready: " + std::string(ReadinessName(readiness)) + "\n",
          .lets_successor_listen = readiness == Readiness::kDraining};
}

/// What the pages tell of a pool; `fates`: null where it keeps none.
struct PoolFacts {
  const Scoreboard& board;
  const DeathJournal& deaths;
  const FateJournal* fates;
};

admin::Server::Pages PagesOf(const PoolFacts& pool, const Options& options) {
  const Scoreboard& board = pool.board;
  const auto facts = [&board, balance = BalanceName(options.pool.balance),
                      dispatch = DispatchName(options.dispatch)] {
    return metrics::StatusFacts{.pid = board.counts().main_process,
                                .version = HYDRAPOOL_VERSION,
                                .dispatch = dispatch,
                                .balance = balance,
                                .now = sys::Now()};
  };
  return {
      {"/",
       [&board, &deaths = pool.deaths, facts] {
         return admin::Page{200, metrics::kStatusPageContentType,
                            metrics::StatusPage(board, deaths, facts())};
       }},
      {"/livez", Alive},
      {"/healthz", Alive},
      {"/readyz", [&board] { return Ready(board); }},
      {"/metrics",
       [&board](const http::Request& request) {
         const bool open = metrics::WantsOpenMetrics(request.Find("Accept").value_or(""));
         return admin::Page{200, open ? metrics::kOpenMetricsContentType : metrics::kMetricsContentType,
                            open ? metrics::RenderOpenMetrics(board, {.version = HYDRAPOOL_VERSION})
                                 : metrics::RenderMetrics(board, {.version = HYDRAPOOL_VERSION})};
       }},
      {"/status.json",
       [&board, facts] {
         return admin::Page{200, "application/json", metrics::StatusJson(board, facts()) + "\n"};
       }},
      {"/fates.json",
       [&board, fates = pool.fates] {
         if (fates == nullptr) return admin::Page{404, "text/plain", "without leases none are noted\n"};
         const pid_t pid = board.counts().main_process;
         return admin::Page{200, "application/json", metrics::FatesJson(*fates, pid) + "\n"};
       }},
  };
}

// A descriptor 0 to 2 that our starter left closed would go to the first socket, and the log into that.
void OpenStandardDescriptors() {
  int fd;
  do {
    fd = ::open("/dev/null", O_RDWR);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  ::close(fd);
}

void GiveUpPrivileges(const Options& options) {
  // CGI programs are of our user: not of their business are our memory, environment and descriptors
  // (ptrace(2)).
  if (!options.pool.core_dumps) ::prctl(PR_SET_DUMPABLE, 0);
  if (options.user) {
    const auto done = sys::Become(*options.user);
    if (!done) throw std::runtime_error(done.error().message + " (--user is for root)");
    options.logs.WarnOfOwners();
  } else if (::geteuid() == 0 && options.site.cgi) {
    sys::log::Warn("CGI programs run as root: --user NAME has them and the server run as another");
  }
}

void OpenLogs(Options& options) {
  if (const auto logs = options.logs.Open(options.user); !logs)
    throw std::runtime_error(logs.error().message);
  options.site.access = options.logs.access;
}

// So that a proxy of that user can connect. What a program inherits is as it should be, and may lie in a
// directory that its user does not see.
void GiveSocket(const std::string& path, const std::optional<sys::User>& owner, std::optional<mode_t> mode) {
  if (sys::inheritance::OnTrial()) return;
  constexpr mode_t kMode = 07777;
  struct stat there {};
  if (::lstat(path.c_str(), &there) != 0) return;
  const bool is_theirs = !owner || (there.st_uid == owner->uid && there.st_gid == owner->gid);
  if (!is_theirs && ::chown(path.c_str(), owner->uid, owner->gid) != 0)
    sys::ThrowErrno(errno, "chown " + path);
  if (mode && (there.st_mode & kMode) != *mode && ::chmod(path.c_str(), *mode) != 0)
    sys::ThrowErrno(errno, "chmod " + path);
}

int Probe(const std::string& url) {
  const auto page = admin::HttpGet(url, std::chrono::milliseconds(2000));
  if (page && page->status / 100 == 2) return 0;
  std::fprintf(stderr, "hydrapool: %s: %s\n", url.c_str(),
               page ? ("status " + std::to_string(page->status)).c_str() : page.error().message.c_str());
  return 1;
}

void SayListening(const sys::UniqueFd& listener) {
  const std::string bound = sys::LocalAddress(listener.get());
  sys::log::Info("listening on {}", bound.starts_with("unix:") ? bound : "http://" + bound + "/");
}

// What systemd has opened is as its socket unit says.
std::vector<sys::UniqueFd> Listeners(const Options& options) {
  constexpr std::string_view kHanded = "systemd";
  constexpr std::string_view kUnix = "unix:";
  std::vector<sys::UniqueFd> listeners;
  for (const std::string& text : options.listen) {
    const ListenAt at = *ListenAt::Parse(text);
    const std::string& address = at.address;
    if (address == kHanded || address.starts_with("systemd:")) {
      const std::string name = address.substr(std::min(address.size(), kHanded.size() + 1));
      for (sys::UniqueFd& fd : sys::activation::Take(name)) listeners.push_back(std::move(fd));
      continue;
    }
    listeners.push_back(sys::Listen(address, {.defer_accept = true}));
    if (address.starts_with(kUnix))
      GiveSocket(address.substr(kUnix.size()),
                 at.owner               ? at.owner
                 : options.socket_owner ? options.socket_owner
                                        : options.user,
                 at.mode ? at.mode : options.socket_mode);
  }
  for (const std::string& name : sys::activation::CloseRest())
    sys::log::Warn("the socket '{}' was handed over, and no --listen systemd:{} takes it", name, name);
  std::ranges::for_each(listeners, SayListening);
  return listeners;
}

void LimitPrograms(const Pool& pool, const cgi::Config& config) {
  const std::size_t most = std::min<std::size_t>(config.max_processes, MostProcessesOf(pool));
  ScoreboardOf(pool).signs().processes_limit = static_cast<std::uint32_t>(most);
}

HandlerType HandlerOf(const Options& options) {
  switch (options.handler) {
    case HandlerKind::kEcho:
      return MakeHandlerType<Echo>();
    case HandlerKind::kLine:
      return MakeHandlerType<Line>(
          [directory = options.program_dir](WorkerContext&) { return Line(directory); });
    case HandlerKind::kHttp:
      break;
  }
  return MakeHandlerType<Site>([site = options.site](WorkerContext& worker) { return Site(worker, site); });
}

std::unique_ptr<admin::Server> OpenAdmin(EventLoop& loop, const PoolFacts& pool, const Options& options) {
  if (options.admin.empty()) return nullptr;
  auto admin = std::make_unique<admin::Server>(loop, admin::ListenBesideLeaving(options.admin),
                                               PagesOf(pool, options));
  const bool has_port = !options.admin.starts_with("unix:");  // which the kernel may have chosen
  sys::log::Info("admin on {}", has_port ? "http://" + admin->address() + "/metrics" : options.admin);
  return admin;
}

int ServeDirectly(const Options& options) {
  std::vector<sys::UniqueFd> listeners = Listeners(options);
  DirectPool pool(options.pool, options.dispatch, HandlerOf(options));
  EnterParts(pool.scoreboard().parts(), options.site.mounts);
  const auto admin = OpenAdmin(pool.loop(), {pool.scoreboard(), pool.deaths(), nullptr}, options);
  GiveUpPrivileges(options);
  return pool.Serve(std::move(listeners));
}

int Serve(const Options& options) {
  if (options.dispatch != Dispatch::kLease) return ServeDirectly(options);
  std::vector<sys::UniqueFd> listeners = Listeners(options);
  Pool pool(options.pool, HandlerOf(options));
  if (!sys::inheritance::OnTrial()) {  // it may be refused yet, and the pool whose records these are goes on
    EnterParts(ScoreboardOf(pool).parts(), options.site.mounts);
    if (options.site.cgi) LimitPrograms(pool, *options.site.cgi);
  }
  const auto admin = OpenAdmin(pool.loop(), {ScoreboardOf(pool), DeathsOf(pool), &FatesOf(pool)}, options);
  std::optional<control::Server> control;
  if (!options.control.empty()) {
    sys::UniqueFd listener = control::ListenAt(options.control);
    GiveSocket(options.control, options.user, std::nullopt);
    control.emplace(pool.loop(), std::move(listener),
                    [&pool](std::string_view command) { return control::Obey(pool, command); });
    sys::log::Info("control on unix:{}", options.control);
  }
  if (options.user && ::geteuid() == 0) LifelineOf(pool).LetAnyUserTie();
  MakeLaunchers(pool, options);
  GiveUpPrivileges(options);
  TakeCgroups(options);
  const int exit_code = pool.Serve(std::move(listeners));
  const ProcessCgroups* const cgroups = ProcessCgroups::OfPool();
  if (cgroups != nullptr && !sys::inheritance::OnTrial()) cgroups->Leave();
  return exit_code;
}

int Main(int argc, char** argv) {
  OpenStandardDescriptors();
  if (argc > 1 && std::string_view(argv[1]) == "ctl") return control::Ctl(argc - 1, argv + 1);
  sys::IgnoreStraySignals();
  int exit_code = 0;
  auto options = ParseOptions(argc, argv, exit_code);
  if (!options) return exit_code;
  sys::log::SetLevel(sys::inheritance::OnTrial() ? std::max(options->logs.level, sys::log::Level::kWarning)
                                                 : options->logs.level);
  sys::log::SetFormat(options->logs.format);
  sys::log::TakeTerminate();
  for (const std::string& name : options->unknown_variables)
    sys::log::Warn("the environment's {} names no option: hydrapool config lists them", name);
  try {
    if (!options->probe.empty()) return Probe(options->probe);
    CheckSite(*options);
    if (const auto logs = options->logs.Check(); !logs) throw std::runtime_error(logs.error().message);
    if (options->check) {
      CheckStart(*options);
      CheckLaunchers(*options);
      CheckCgroups(*options);
      std::puts("hydrapool: the options are good");
      return 0;
    }
    if (!sys::inheritance::OnTrial()) OpenLogs(*options);
    return Serve(*options);
  } catch (const std::system_error& error) {
    const bool busy = error.code() == std::errc::address_in_use;
    std::fprintf(stderr, "hydrapool: %s%s\n", error.what(),
                 busy ? " (--listen, --admin and --control take other addresses)" : "");
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hydrapool: %s\n", error.what());
    return 1;
  }
}

}  // namespace
}  // namespace hydrapool::server

int main(int argc, char** argv) { return hydrapool::server::Main(argc, argv); }
