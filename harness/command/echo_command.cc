#include <memory>
#include <string>
#include <vector>

#include "harness/command/cli.h"
#include "harness/echo/echo_run.h"
#include "pool/sys/signals.h"

namespace hydrapool::harness {
namespace {

constexpr const char* kEchoExamples = R"(
Examples:
  harness echo 127.0.0.1:8080
  harness echo --connections 64 --pipeline 16 --duration 30s --json - 127.0.0.1:8080
  harness echo --half-close --reopen-every 20 127.0.0.1:8080
  harness echo --body-sizes 0,1,16384,65537 --chunked 0.2 --bytewise 0.1 --path /cgi-bin/echo 127.0.0.1:8080
  harness echo --reset-within 2000 127.0.0.1:8080
  harness echo --flood pipe,pipe,chunks 127.0.0.1:8080
  harness echo --http1.0 unix:/run/hydrapool.sock
  harness echo --burst 1000 --times 100 127.0.0.1:8080

Asks GET PATH?ID, with an ID of its own for each request, and expects EXPECT, the ID and a newline as the body; with
--body-sizes it asks POST PATH?ID, and the answer must give the request's body back. Run it while
`harness inject` kills workers: a request lost, answered twice or answered with another's bytes is counted as such.

Exit codes: 0 each request got one answer, its own; 1 not so; 2 usage, or a result that cannot be written; 3 nothing was sent.)";

struct EchoArguments {
  EchoOptions echo;
  std::string address;
  std::uint64_t close_every = 0;
  std::uint64_t reopen_every = 0;
  bool half_close = false;
  std::size_t burst = 0;
  std::uint64_t times = 1;
  std::vector<std::string> floods;
  std::string json;
};

constexpr std::uint64_t kHalfCloseAfter = 10;

sys::Result<EchoOptions> OptionsOf(const EchoArguments& arguments) {
  EchoOptions options = arguments.echo;
  EchoPlan& plan = options.plan;
  if (arguments.close_every > 0 && (arguments.reopen_every > 0 || arguments.half_close)) {
    return sys::Failure("--close-every goes with neither --reopen-every nor --half-close");
  }
  if (plan.mix.http10 && plan.mix.chunked > 0) return sys::Failure("HTTP/1.0 has no --chunked bodies");
  if (!arguments.floods.empty() && arguments.address.starts_with("unix:"))
    return sys::Failure("--flood is for HOST:PORT");
  if (plan.pause > 0 && plan.slow_reader > 0) return sys::Failure("--pause does not go with --slow-reader");
  if (arguments.close_every > 0) {
    plan.ending = Ending::kHeader;
    plan.requests = arguments.close_every;
  } else if (arguments.half_close) {
    plan.ending = Ending::kHalfClose;
    plan.requests = arguments.reopen_every > 0 ? arguments.reopen_every : kHalfCloseAfter;
  } else if (arguments.reopen_every > 0) {
    plan.ending = Ending::kOurClose;
    plan.requests = arguments.reopen_every;
  }
  if (arguments.burst > 0) {
    options.connections = arguments.burst;
    options.times = arguments.times;
    plan.requests = 1;
    if (plan.ending == Ending::kNone) plan.ending = Ending::kHeader;
  }
  if (!plan.mix.body_sizes.empty() && plan.path == "/")
    return sys::Failure("--body-sizes needs a --path that gives bodies back, as /cgi-bin/echo does");
  for (const std::string& text : arguments.floods) {
    const auto kind = ParseFloodKind(text);
    if (!kind) return sys::Failure("--flood " + kind.error().message);
    options.floods.push_back(*kind);
  }
  if (auto resolved = Resolve(arguments.address, plan); !resolved) return tl::unexpected(resolved.error());
  return options;
}

int Echo(const EchoArguments& arguments) {
  if (const auto writable = CheckWritable(arguments.json); !writable)
    return UsageError(writable.error().message);
  const auto options = OptionsOf(arguments);
  if (!options) return UsageError(options.error().message);
  sys::EventLoop loop;
  EchoRun run(loop, *options);
  const sys::SignalEvents interrupts(loop, {SIGINT, SIGTERM}, [&](int) { run.Stop(); });
  const EchoResult result = run.Run();
  if (!PrintResults(EchoText(*options, result), EchoJson(*options, result), arguments.json))
    return kExitUsage;
  if (result.counts.sent == 0) return kExitInvalid;
  return result.counts.exact() ? kExitDone : kExitFailed;
}

void AddMix(CLI::App& echo, EchoMix& mix, std::vector<std::string>& floods) {
  const auto part = [&echo](const char* name, double& value, const char* help) {
    echo.add_option(name, value, help)->check(CLI::Range(0.0, 1.0).description(""))->type_name("PART");
  };
  echo.add_option("--body-sizes", mix.body_sizes, "POST bodies of these sizes, drawn for each request")
      ->delimiter(',')
      ->check(CLI::Range(std::size_t{0}, std::size_t{1'000'000'000}).description(""))
      ->type_name("BYTES,…");
  part("--chunked", mix.chunked, "The part of bodies that is sent in chunks, 0 to 1");
  part("--bytewise", mix.bytewise, "The part of connections that sends a byte at a time, 0 to 1");
  echo.add_option("--reset-within", mix.reset_within,
                  "Reset each connection after a number of bytes, sent and received, drawn up to this")
      ->check(WholeFrom(1))
      ->type_name("BYTES");
  echo.add_flag("--http1.0", mix.http10, "Ask as HTTP/1.0, with Connection: keep-alive");
  echo.add_option("--flood", floods, "Beside it a connection for each: pipe, chunks, upload, download")
      ->delimiter(',')
      ->type_name("KIND,…");
  echo.add_option("--seed", mix.seed, "The seed of these draws")
      ->check(WholeFrom(0))
      ->capture_default_str()
      ->type_name("S");
}

}  // namespace

void AddEchoCommand(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<EchoArguments>();
  EchoOptions& options = arguments->echo;
  CLI::App& echo = *app.add_subcommand("echo", "Check that each request is answered exactly once");
  echo.footer(kEchoExamples);
  echo.add_option("address", arguments->address, "The server")->required()->type_name("HOST:PORT|unix:/PATH");
  const auto count = [&echo](const char* name, auto& value, const char* help) {
    return echo.add_option(name, value, help)->check(WholeFrom(1))->type_name("N");
  };
  count("--connections", options.connections, "Connections held open")->capture_default_str();
  count("--pipeline", options.plan.pipeline, "Requests on their way at once on each")->capture_default_str();
  AddDuration(echo, "--pause", options.plan.pause,
              "Let a connection rest so long when it has all its answers");
  AddDuration(echo, "--duration", options.duration, "How long to ask (default 10s)");
  AddDuration(echo, "--answer-within", options.answer_within, "How long to await answers then (default 5s)");
  count("--close-every", arguments->close_every, "Connection: close with each Nth request of a connection");
  count("--reopen-every", arguments->reopen_every, "Close and reopen after N requests of a connection");
  echo.add_flag(
      "--half-close", arguments->half_close,
      "Shut down the sending side after a connection's last request (--reopen-every, default the 10th)");
  count("--slow-reader", options.plan.slow_reader,
        "Read so many bytes per second, with a small receive buffer")
      ->type_name("BYTES_PER_SEC");
  auto* burst = count("--burst", arguments->burst, "Open so many connections at once, with one request each");
  count("--times", arguments->times, "Bursts, one after another")->needs(burst);
  AddMix(echo, options.plan.mix, arguments->floods);
  echo.add_option("--path", options.plan.path,
                  "What to ask; the id is its query, or is appended to the one it has")
      ->capture_default_str();
  echo.add_option("--expect", options.plan.expect,
                  "What stands before the id in an answer (default 'hello ')")
      ->type_name("TEXT");
  echo.add_option("--json", arguments->json, "Write the result as JSON; - for stdout")->type_name("FILE");
  echo.callback([arguments, &exit_code] { exit_code = Echo(*arguments); });
}

}  // namespace hydrapool::harness
