#include "loadgen/command/other_tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "pool/sys/nearest_name.h"

namespace hydrapool::loadgen {
namespace {

bool None(std::string_view) { return true; }
bool Any(std::string_view value) { return !value.empty() && !value.starts_with('-'); }
bool Number(std::string_view value) {
  return !value.empty() && value.find_first_not_of("0123456789.") == value.npos;
}
bool Time(std::string_view value) {
  return !value.empty() && std::isdigit(static_cast<unsigned char>(value.front())) != 0;
}
/// "30s", which is no number of threads.
bool NoCount(std::string_view value) { return Time(value) && !Number(value); }
bool NoTime(std::string_view value) { return Any(value) && !Time(value); }
bool MediaType(std::string_view value) { return Any(value) && value.find('/') != value.npos; }
bool Credentials(std::string_view value) { return Any(value) && value.find(':') != value.npos; }
bool Method(std::string_view value) {
  return Any(value) && std::ranges::all_of(value, [](unsigned char c) { return std::isupper(c) != 0; });
}
bool Http2(std::string_view value) { return value == "2" || value.starts_with("h2"); }
bool Pair(std::string_view value) { return Any(value) && value.find('=') != value.npos; }
bool Script(std::string_view value) { return value.ends_with(".lua") || value.ends_with(".js"); }

/// "10k", which says no number.
bool Thousands(std::string_view value) {
  return value.size() > 1 && Number(value.substr(0, value.size() - 1)) &&
         std::string_view("kKmM").find(value.back()) != value.npos;
}
bool K6Percentile(std::string_view value) { return value.find("p(") != value.npos; }
bool K6Metric(std::string_view value) { return value.starts_with("http_req") || value.starts_with("checks"); }
bool RateObjective(std::string_view value) { return value.starts_with("rate"); }
/// "p95<200"
bool NoUnit(std::string_view value) {
  const auto sign = value.find_first_of("<>");
  return sign != value.npos &&
         Number(value.substr(std::min(value.find_first_not_of("<>= ", sign), value.size())));
}

/// A flag of another tool. The first row whose flag is there, with such a value, is what was meant.
struct Row {
  std::string_view flag;
  bool (*fits)(std::string_view value);
  std::string_view hint;  // {} is the value
};

constexpr std::array kRows = {
    // hey, oha
    Row{"-q", Number, "-q is --quiet here; did you mean -R {}?"},
    Row{"-z", Time, "did you mean -d {}?"},
    Row{"-d", NoTime, "-d is how long here; did you mean --data '{}'?"},
    Row{"-D", Number, "did you mean -d {}?"},
    Row{"-D", Any, "did you mean --data @{}?"},
    Row{"-T", MediaType, "did you mean -H 'Content-Type: {}'?"},
    Row{"-A", MediaType, "did you mean -H 'Accept: {}'?"},
    Row{"-A", Credentials, "did you mean -u USER:PASSWORD?"},
    Row{"-a", Credentials, "did you mean -u USER:PASSWORD?"},
    Row{"-o", Any, "did you mean --csv FILE or --json FILE?"},
    Row{"-U", Any, "did you mean -H 'User-Agent: {}'?"},
    Row{"--http-version", Http2, "did you mean --http2?"},
    Row{"--disable-keepalive", None, "did you mean --connection close?"},
    Row{"--latency-correction", None, "latencies always count from when a request was due here"},
    Row{"--no-tui", None, "did you mean -q?"},
    // wrk, wrk2
    Row{"-s", Script, "there are no scripts here; --request-file FILE has requests of several kinds"},
    Row{"--script", Script, "there are no scripts here; --request-file FILE has requests of several kinds"},
    Row{"-T", Time, "did you mean --timeout {}?"},
    Row{"-t", NoCount, "-t is threads here; did you mean -d {}?"},
    Row{"--latency", None, "the report always has the latencies' percentiles"},
    Row{"-L", Number, "-L follows redirects here and takes no value"},
    // k6
    Row{"--slo", K6Percentile, "a percentile is p95 here, as in 'p95<200ms'"},
    Row{"--slo", K6Metric, "latencies are p95<200ms, max or mean here, failures errors<1%"},
    Row{"--slo", RateObjective, "responses a second are rps here, as in 'rps>900'"},
    Row{"--slo", NoUnit, "a time has its unit: did you mean '{}ms'?"},
    Row{"--abort-on", NoUnit, "a time has its unit: did you mean '{}ms'?"},
    Row{"--threshold", Any, "did you mean --slo 'p95<200ms'?"},
    Row{"--thresholds", Any, "did you mean --slo 'p95<200ms'?"},
    Row{"--tag", Any, "there are no tags here; --json FILE keeps runs apart"},
    Row{"--summary-trend-stats", None, "the report always has the latencies' percentiles"},
    Row{"--discard-response-bodies", None, "bodies are not kept here"},
    Row{"-c", Thousands, "numbers are written out here, like 10000"},
    Row{"-n", Thousands, "numbers are written out here, like 10000"},
    Row{"--vus", Number, "did you mean -c {}?"},
    Row{"-u", Number, "did you mean -c {}?"},
    Row{"--out", Any, "did you mean --json FILE or --csv FILE?"},
    Row{"--summary-export", Any, "did you mean --json {}?"},
    Row{"--no-connection-reuse", None, "did you mean --connection close?"},
    Row{"--insecure-skip-tls-verify", None, "did you mean -k?"},
    Row{"--max-redirects", Number, "redirects are followed here with -L"},
    Row{"--http-debug", None, "did you mean --once, which prints both sides of one request?"},
    Row{"-e", Pair, "there are no scripts here, so none that reads {}"},
    Row{"--iterations", Number, "did you mean -n {}?"},
    Row{"-i", Number, "did you mean -n {}?"},
    Row{"--rps", Number, "did you mean -R {}?"},
    Row{"--stage", Any, "a stage is RATE:TIME here; did you mean --stages 100:10s,…?"},
    Row{"-s", Credentials, "a stage is RATE:TIME here; did you mean --stages 100:10s,…?"},
    // ab
    Row{"-p", Http2, "did you mean --http2?"},
    Row{"-p", Number, "HTTP/1.1 is not pipelined here; --http2 --streams {} has so many requests at a time"},
    Row{"-p", Any, "did you mean --data @{}?"},
    Row{"-B", Any, "did you mean --bind {}?"},
    Row{"-E", Any, "did you mean --cert {}?"},
    Row{"-P", Credentials, "did you mean -x http://USER:PASSWORD@PROXY?"},
    Row{"-b", Pair, "did you mean -H 'Cookie: {}'?"},
    Row{"-b", None, "buffers are not chosen here, and there is no think time that -b would end"},
    Row{"-f", Any, "versions of TLS are not chosen here"},
    Row{"-C", Any, "did you mean -H 'Cookie: …'?"},
    Row{"-X", Method, "did you mean -m {}?"},
    Row{"-X", Any, "did you mean -x PROXY?"},
    Row{"-i", Any, "did you mean --request-file {} (or, as ab has it, -m HEAD)?"},
    Row{"-i", None, "did you mean -m HEAD?"},
    Row{"-e", Any, "did you mean --csv {}?"},
    Row{"-g", Any, "did you mean --csv {}?"},
    Row{"-w", Number, "HTTP/2's windows are as large as they can be here; -t is threads"},
    Row{"-w", None, "did you mean --html FILE?"},
    Row{"-s", Time, "did you mean --timeout {}?"},
    Row{"-l", None, "lengths are not compared here without --expect-length"},
    Row{"-v", None, "did you mean --once, which prints both sides of one request?"},
    Row{"-V", None, "did you mean --version?"},
    // h2load
    Row{"-m", Number, "-m is the method here; did you mean --http2 --streams {}?"},
    Row{"-r", Number, "did you mean -R {0} (requests a second) or --ramp {0}/s (new connections a second)?"},
    Row{"-r", None, "no error ends a run here"},
    Row{"--h1", None, "HTTP/1.1 is spoken here without --http2"},
    Row{"-N", Time, "did you mean --timeout {}?"},
    Row{"--npn-list", Any, "did you mean --http2?"},
    Row{"--alpn-list", Any, "did you mean --http2?"},
    Row{"--log-file", Any, "did you mean --journal {} (what failed) or --csv {}?"},
    Row{"--warm-up-time", Any, "did you mean --warmup {}?"},
    Row{"--max-concurrent-streams", Number, "did you mean --http2 --streams {}?"},
    // curl, fortio and others
    Row{"-F", Any, "forms are not made here; --data @FILE sends a body as it is"},
    Row{"--request", Method, "did you mean -m {}?"},
    Row{"--concurrency", Number, "did you mean -c {}?"},
    Row{"--qps", Number, "did you mean -R {}?"},
    Row{"--body", Any, "did you mean --data {}?"},
    Row{"-a", Number, "did you mean -n {}?"},
    Row{"--pipelining", Any, "HTTP/1.1 is not pipelined here; did you mean --http2 --streams {}?"},
    Row{"--reps", Number, "did you mean -n {}?"},
};

/// Flags as vegeta and hey have them, behind one dash, where here each letter would be an option.
struct LongName {
  std::string_view name;
  std::string_view hint;  // empty: behind two dashes it is the same here
};
constexpr std::array kLongNames = {
    LongName{"rate", ""},
    LongName{"duration", ""},
    LongName{"timeout", ""},
    LongName{"header", ""},
    LongName{"connections", ""},
    LongName{"insecure", ""},
    LongName{"method", ""},
    LongName{"requests", ""},
    LongName{"cert", ""},
    LongName{"key", ""},
    LongName{"unix-socket", ""},
    LongName{"targets", "did you mean --request-file FILE?"},
    LongName{"body", "did you mean --data @FILE?"},
    LongName{"workers", "did you mean -c N?"},
    LongName{"max-workers", "did you mean -c N?"},
    LongName{"max-connections", "did you mean -c N?"},
    LongName{"keepalive", "did you mean --connection close?"},
    LongName{"disable-keepalive", "did you mean --connection close?"},
    LongName{"disable-redirects", "redirects are not followed here without -L"},
    LongName{"disable-compression", "compression is not asked for here without -H 'Accept-Encoding: gzip'"},
    LongName{"redirects", "redirects are followed here with -L"},
    LongName{"h2", "did you mean --http2?"},
    LongName{"h2c", "did you mean --http2 with an http:// URL?"},
    LongName{"http2", "did you mean --http2?"},
    LongName{"root-certs", "did you mean --cacert FILE?"},
    LongName{"laddr", "did you mean --bind ADDRESS?"},
    LongName{"dns-ttl", "did you mean --resolve-every TIME?"},
    LongName{"session-tickets", "did you mean --tls-resume?"},
    LongName{"prometheus-addr", "did you mean --metrics HOST:PORT?"},
    LongName{"output", "did you mean --json FILE?"},
    LongName{"format", "a --request-file has lines of JSON or METHOD URL, in one file as they come"},
    LongName{"host", "did you mean -H 'Host: …'?"},
    LongName{"cpus", "did you mean -t N?"},
    LongName{"more", "the report always has the latencies' percentiles"},
};

std::string LongWithOneDash(std::string_view arg) {
  if (arg.starts_with("--") || arg.size() < 3) return {};
  const auto name = arg.substr(1, arg.find('=') - 1);
  const auto* row = std::ranges::find(kLongNames, name, &LongName::name);
  if (!arg.starts_with('-') || row == kLongNames.end()) return {};
  return row->hint.empty() ? fmt::format("did you mean -{}?", arg) : std::string(row->hint);
}

/// The first words of other tools.
constexpr std::array<std::string_view, 6> kOtherCommands = {"run",  "bench",  "report",
                                                            "plot", "encode", "start"};

}  // namespace

std::string HintFor(std::span<const std::string> args) {
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string_view arg = args[i];
    if (!arg.starts_with('-')) continue;
    const bool is_long = arg.starts_with("--");
    const auto end = is_long ? std::min(arg.find('='), arg.size()) : std::min<std::size_t>(arg.size(), 2);
    const auto flag = arg.substr(0, end);
    const std::string_view value = end < arg.size()      ? arg.substr(is_long ? end + 1 : end)
                                   : i + 1 < args.size() ? args[i + 1]
                                                         : std::string_view();
    for (const auto& row : kRows) {
      if (row.flag == flag && row.fits(value)) return fmt::format(fmt::runtime(row.hint), value);
    }
  }
  return {};
}

std::string HintForCommand(std::span<const std::string> args) {
  if (args.empty()) return {};
  if (args[0] == "attack")
    return "'attack' is vegeta's; here it is loadgen -R 50 -d 10s URL, and --request-file FILE for several";
  if (args[0] == "run" && std::ranges::any_of(args, Script))
    return "k6's scripts do not run here; --request-file FILE has requests of several kinds";
  for (const auto& arg : args) {
    if (auto hint = LongWithOneDash(arg); !hint.empty())
      return fmt::format("no such option: {}; {}", arg, hint);
  }
  if (args[0].find_first_of("-.:/") != args[0].npos) return {};
  constexpr std::array<std::string_view, 4> kCommands{"compare", "import", "merge", "search"};
  const bool others = std::ranges::find(kOtherCommands, args[0]) != kOtherCommands.end();
  if (others)
    return fmt::format("'{}' is no command here: loadgen URL, or one of {}", args[0],
                       fmt::join(kCommands, ", "));
  if (args.size() > 1 && Method(args[0]) && args[1].find('/') != args[1].npos)
    return fmt::format("'{0}' is no URL; did you mean -m {0}?", args[0]);
  const auto command = sys::NearestName(args[0], kCommands);
  if (!command.empty()) return fmt::format("'{}' is no URL; did you mean loadgen {}?", args[0], command);
  return {};
}

}  // namespace hydrapool::loadgen
