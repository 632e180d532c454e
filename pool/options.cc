#include "pool/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>

#include "pool/manual/option_table.h"
#include "pool/option_checks.h"
#include "pool/option_conflicts.h"
#include "pool/option_names.h"
#include "pool/option_sources.h"
#include "pool/site_options.h"
#include "pool/site_tables.h"
#include "pool/sys/activation.h"
#include "pool/sys/units.h"

namespace hydrapool::server {
namespace {

constexpr const char* kExamples = R"(
Examples:
  hydrapool --listen :8080 --workers 4
  hydrapool --cgi-dir /srv/cgi --cgi-prefix /cgi-bin/ --expose-worker
  hydrapool --mount /=files:/srv/www --mount '*.php=with:/usr/bin/php-cgi' --index index.html,index.php
  hydrapool --cgi-dir cgi --cgi-env GIT_PROJECT_ROOT=/srv/git --cgi-env GIT_HTTP_EXPORT_ALL=1
  hydrapool --listen :80 --user www-data --cgi-dir /usr/lib/cgi-bin       (started as root)
  hydrapool --control /run/hydrapool.sock      and then: hydrapool ctl --control /run/hydrapool.sock workers
  hydrapool --config hydrapool.toml --check    (a file holds lines like: listen = [":8080"] and cgi-dir = "/srv/cgi")
  hydrapool 127.0.0.1 8080                     (as the teaching code)

Each option is also read from the environment: HYDRAPOOL_LISTEN for --listen, HYDRAPOOL_CONFIG for --config.
"hydrapool config", with any options behind it, prints what is in force and where each value comes from;
"hydrapool config --reference" a configuration file with every option, its description and its default.

Signals, to the process that was started: TERM finishes what is in hand within 30 s (a second TERM: at once), QUIT
without a deadline, INT stops now. HUP starts the program anew with the file and arguments as they are then, USR2 the
program that stands under its name by then (an upgrade): no connection is closed, and if a trial fails all stays as it
was. TTIN and TTOU: one worker more, or one less. USR1: the files of --log-file and --access-log are opened again.
Exit codes: 0 after a drain, 1 could not start, 2 usage.
Then: curl http://127.0.0.1:8080/  and  http://127.0.0.1:9180/metrics, /status.json, /fates.json, /readyz)";

const std::map<std::string, hydrapool::Balance> kBalances{{"least-busy", hydrapool::Balance::kLeastBusy},
                                                          {"round-robin", hydrapool::Balance::kRoundRobin}};
const std::map<std::string, Dispatch> kDispatches{
    {"lease", Dispatch::kLease}, {"notify", Dispatch::kNotify}, {"exclusive", Dispatch::kExclusive}};
const std::map<std::string, HandlerKind> kHandlers{
    {"http", HandlerKind::kHttp}, {"echo", HandlerKind::kEcho}, {"line", HandlerKind::kLine}};

/// What the command line says in words, until it is known whether they make options.
struct Words {
  SiteOptions site;
  std::string socket_mode;
  std::string socket_owner;
  std::string head = "10s";
  std::string keep_alive = "75s";
  std::string write = "30s";
  std::string stall_timeout = "10s";
  std::string drain_notice = "0";
  std::string max_age = "0";
  std::string user;
  std::string ip;
  std::string port;
  bool listens = false;  // --listen was given
};

void AddListenOptions(CLI::App& app, Options& options, Words& words) {
  app.add_option(
         "--listen", options.listen,
         "HOST:PORT, [v6]:PORT, :PORT for all addresses, unix:/PATH[,mode=OCTAL][,owner=NAME], or "
         "systemd[:NAME] for the sockets that it has opened (the default where there are any); repeatable")
      ->check(ListenAddress)
      ->type_name("ADDRESS")
      ->allow_extra_args(false)
      ->capture_default_str();
  app.add_option(
         "--socket-mode", words.socket_mode,
         "Who may connect to unix:/PATH, where --listen says nothing else (default: as the umask has it)")
      ->check(Mode)
      ->type_name("OCTAL");
  app.add_option("--socket-owner", words.socket_owner,
                 "Whose unix:/PATH is, where --listen says nothing else and root starts the server (default: "
                 "the --user)")
      ->check(KnownUser)
      ->type_name("NAME[:GROUP]");
  app.add_option("--workers", options.pool.workers,
                 "Worker processes (default: one for each core, at least 2)")
      ->check(CLI::Range(1, 256))
      ->type_name("N");
}

void AddWaysToServe(CLI::App& app, Options& options) {
  app.add_option(
         "--dispatch", options.dispatch,
         "How a connection comes to its worker: lease; or, to be measured beside it, notify (the parent "
         "tells "
         "a worker, which accepts) or exclusive (the workers accept, by EPOLLEXCLUSIVE). With these two a "
         "worker's death loses all that it holds, and there are no programs, files, supervisor or control")
      ->transform(OneOf(kDispatches))
      ->type_name(Choice(kDispatches))
      ->default_str("lease");
  app.add_option(
         "--handler", options.handler,
         "What is spoken: http; or, as examples, echo (what comes is sent back) or line (PROGRAM\\r\\n: the "
         "output of that program of --cgi-dir, then the end; the teaching code's protocol)")
      ->transform(OneOf(kHandlers))
      ->type_name(Choice(kHandlers))
      ->default_str("http");
  app.add_option("--balance", options.pool.balance, "Who gets the next connection: least-busy or round-robin")
      ->transform(OneOf(kBalances))
      ->type_name(Choice(kBalances))
      ->default_str("least-busy");
}

void AddTimeouts(CLI::App& app, Words& words) {
  const auto add = [&app](const char* name, std::string& value, const char* text) {
    app.add_option(name, value, text)->check(Patience)->type_name("TIME")->capture_default_str();
  };
  add("--head-timeout", words.head, "From a request's first byte to the end of its head and small body");
  add("--keep-alive-timeout", words.keep_alive, "How long a connection may be idle between requests");
  add("--write-timeout", words.write, "How long a client may take nothing of its answer");
}

void AddConnectionOptions(CLI::App& app, PoolOptions& pool) {
  app.add_option("--max-connections", pool.max_connections,
                 "Open connections (default: what the limit of open files allows, at most 16384); past it a "
                 "newcomer gets the place of one that is idle")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
  app.add_option(
         "--max-per-address", pool.max_per_address,
         "Of these, from one address (of IPv6: from one /64); a newcomer past it is reset; 0: no limit. Not "
         "behind a proxy")
      ->check(CLI::Range(0, 1'000'000))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--max-requests-per-connection", pool.max_requests_per_connection,
                 "Then the answer says that it is the last, and the connection ends; 0: no limit")
      ->check(CLI::Range(0, 1'000'000'000))
      ->type_name("N")
      ->capture_default_str();
}

void AddRecyclingOptions(CLI::App& app, Recycling& recycling, Words& words) {
  app.add_option("--max-requests", recycling.requests,
                 "Replace a worker when it has answered so many, or up to a tenth more; 0: never")
      ->check(CLI::Range(0, 1'000'000'000))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--max-memory", recycling.memory,
                 "Replace a worker whose own memory has grown so large; 0: never")
      ->transform(CLI::AsSizeValue(false))
      ->transform(PlainSize())
      ->type_name("BYTES")
      ->default_str("0");
  app.add_option("--max-age", words.max_age,
                 "Replace a worker that has served so long, or up to a tenth longer; 0: never")
      ->check(TimeOrNever)
      ->type_name("TIME")
      ->capture_default_str();
}

void AddPoolOptions(CLI::App& app, Options& options, Words& words) {
  AddConnectionOptions(app, options.pool);
  AddTimeouts(app, words);
  app.add_option("--admin", options.admin,
                 "HOST:PORT or unix:/PATH of the status page, /metrics, /status.json, /fates.json, /livez, "
                 "/readyz; 'off' for none")
      ->check([](const std::string& text) { return text == "off" ? "" : Address(text); })
      ->type_name("ADDRESS")
      ->capture_default_str();
  app.add_option("--control", options.control,
                 "A socket by which root and the server's own user steer it: hydrapool ctl --help")
      ->type_name("PATH");
  app.add_option("--user", words.user,
                 "The user to become once it listens (port 80 wants root), for server and CGI programs")
      ->check(KnownUser)
      ->type_name("NAME[:GROUP]");
  app.add_flag(
         "--supervisor,!--no-supervisor", options.pool.supervised,
         "A supervisor that keeps the parent alive too, and over HUP and USR2 all connections (default: yes)")
      ->default_str("true");
  app.add_option(
         "--stall-timeout", words.stall_timeout,
         "A worker whose loop has not come round for so long is killed, its requests carried on; 0: never")
      ->check(TimeOrNever)
      ->type_name("TIME")
      ->capture_default_str();
  AddRecyclingOptions(app, options.pool.recycling, words);
  app.add_option(
         "--drain-notice", words.drain_notice,
         "At TERM or QUIT: for so long /readyz says 'draining' while it still accepts, then it drains")
      ->check(TimeOrNever)
      ->type_name("TIME")
      ->capture_default_str();
  app.add_flag("--expose-worker", options.site.expose_worker, "Add X-Worker: SLOT.INCARNATION to responses");
  app.add_flag("--core", options.pool.core_dumps,
               "Let workers dump core (it delays a death by half a second)");
  options.logs.AddTo(app);
}

void AddCommandOptions(CLI::App& app, Options& options, Words& words) {
  app.add_option("IP", words.ip, "The teaching code's way to say --listen IP:PORT")
      ->type_name("ADDRESS")
      ->excludes(app.get_option("--listen"));
  app.add_option("PORT", words.port, "And the port behind it")->type_name("NUMBER");
  app.set_config(
         "--config", "",
         "Read options from a TOML file; flags win over the environment, that over the file. Behind the "
         "options mounts may stand as tables: [[mount]] with path, kind, target")
      ->type_name("FILE");
  app.config_formatter(std::make_shared<SiteTables>(app));
  app.add_flag("--check", options.check, "Check options and directories, listen on nothing, and end")
      ->configurable(false);
  for (CLI::Option* option : app.get_options()) {
    if (CanBeSet(*option) && option->get_expected_max() == 0) option->check(Truth);
  }
  app.add_option("--probe", options.probe, "GET a URL and say by the exit code (0, 1) whether it answers 2xx")
      ->type_name("URL")
      ->configurable(false);
}

void RefuseLossOfTables(const CLI::App& app) {
  const auto tables = std::dynamic_pointer_cast<SiteTables>(app.get_config_formatter_base());
  tables->RefuseLoss([&app](const std::string& option) { return app.get_option("--" + option)->results(); });
}

/// The teaching code's way; throws where the two are no address.
std::string AddressOf(const std::string& ip, const std::string& port) {
  if (port.empty()) throw CLI::ValidationError(ip, "an IP wants a PORT after it");
  const bool v6 = ip.find(':') != std::string::npos;
  const std::string address = (v6 ? "[" + ip + "]" : ip) + ":" + port;
  if (!Address(address).empty()) throw CLI::ValidationError("IP PORT", Address(address));
  return address;
}

void TakeWords(Words words, Options& options) {
  if (!words.ip.empty()) {
    options.listen = {AddressOf(words.ip, words.port)};
  } else if (!words.listens && sys::activation::Present()) {
    options.listen = {"systemd"};
  }
  if (options.admin == "off") options.admin.clear();
  if (!words.socket_mode.empty())
    options.socket_mode = static_cast<mode_t>(std::stoul(words.socket_mode, nullptr, 8));
  options.pool.timeouts.head = *sys::ParseDuration(words.head);
  options.pool.timeouts.keep_alive = *sys::ParseDuration(words.keep_alive);
  options.pool.timeouts.write = *sys::ParseDuration(words.write);
  options.pool.timeouts.stall = *ParseTimeOrNever(words.stall_timeout);
  options.pool.timeouts.drain_notice = *ParseTimeOrNever(words.drain_notice);
  options.pool.recycling.age = *ParseTimeOrNever(words.max_age);
  if (!words.socket_owner.empty()) options.socket_owner = *sys::FindUser(words.socket_owner);
  if (!words.user.empty()) options.user = *sys::FindUser(words.user);
  words.site.Fill(options.site);
  options.program_dir = words.site.program_dir();
  if (options.dispatch != Dispatch::kLease) options.pool.supervised = false;
}

}  // namespace

std::optional<Options> ParseOptions(int argc, char** argv, int& exit_code) {
  Options options;
  Words words;
  CLI::App app{
      "Hydrapool: a pre-fork process pool and CGI server. Kill a worker; your clients don't notice."};
  app.footer(kExamples);
  app.set_version_flag("--version", "hydrapool " HYDRAPOOL_VERSION);
  AddListenOptions(app, options, words);
  AddWaysToServe(app, options);
  words.site.AddTo(app);
  AddPoolOptions(app, options, words);
  AddCommandOptions(app, options, words);
  app.allow_config_extras(CLI::config_extras_mode::error);
  const bool describe = argc > 1 && std::string_view(argv[1]) == "config";
  app.name(describe ? "hydrapool config" : "hydrapool");
  if (const auto table = manual::TableIfAsked(app, argc - (describe ? 1 : 0), argv + (describe ? 1 : 0))) {
    std::fputs(table->c_str(), stdout);
    exit_code = 0;
    return std::nullopt;
  }
  const bool reference = describe && argc == 3 && std::string_view(argv[2]) == "--reference";
  const OptionSources sources(app, {argv + (describe ? 2 : 1) + (reference ? 1 : 0), argv + argc});
  try {
    app.parse(sources.Arguments());
    RefuseLossOfTables(app);
    words.listens = app.get_option("--listen")->count() > 0;
    TakeWords(std::move(words), options);
    RefuseConflicts(app, options);
    options.pool.program.assign(argv, argv + argc);
    options.unknown_variables = sources.Unknown();
    if (!describe) return options;
    std::fputs((reference ? sources.Reference() : sources.Describe()).c_str(), stdout);
    exit_code = 0;
  } catch (const CLI::CallForHelp& help) {
    exit_code = app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    exit_code = app.exit(version);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "hydrapool: %s (see hydrapool --help)\n", sources.Explain(error).c_str());
    exit_code = 2;
  }
  return std::nullopt;
}

}  // namespace hydrapool::server
