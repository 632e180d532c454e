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
bool NoTime(std::string_view value) { return Any(value) && !Time(value); }
bool MediaType(std::string_view value) { return Any(value) && value.find('/') != value.npos; }
bool Credentials(std::string_view value) { return Any(value) && value.find(':') != value.npos; }
bool Method(std::string_view value) {
  return Any(value) && std::ranges::all_of(value, [](unsigned char c) { return std::isupper(c) != 0; });
}
bool Script(std::string_view value) { return value.ends_with(".lua") || value.ends_with(".js"); }

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
    Row{"-T", Number, "did you mean --timeout {}?"},
    Row{"-A", MediaType, "did you mean -H 'Accept: {}'?"},
    Row{"-A", Credentials, "did you mean -u USER:PASSWORD?"},
    Row{"-a", Credentials, "did you mean -u USER:PASSWORD?"},
    Row{"-h2", None, "did you mean --http2?"},
    Row{"-o", Any, "did you mean --csv FILE or --json FILE?"},
    Row{"-host", Any, "did you mean -H 'Host: {}'?"},
    Row{"-cpus", Number, "did you mean -t {}?"},
    Row{"-disable-keepalive", None, "did you mean --connection close?"},
    Row{"-disable-redirects", None, "redirects are not followed here without -L"},
    Row{"-disable-compression", None, "compression is not asked for here without -H 'Accept-Encoding: gzip'"},
    // wrk, wrk2
    Row{"-s", Script, "there are no scripts here; --request-file FILE has requests of several kinds"},
    Row{"--latency", None, "the report always has the latencies' percentiles"},
    Row{"-L", Number, "-L follows redirects here and takes no value"},
    // k6
    Row{"--vus", Number, "did you mean -c {}?"},
    Row{"-u", Number, "did you mean -c {}?"},
    Row{"--iterations", Number, "did you mean -n {}?"},
    Row{"-i", Number, "did you mean -n {}?"},
    Row{"--rps", Number, "did you mean -R {}?"},
    Row{"--stage", Any, "a stage is RATE:TIME here; did you mean --stages 100:10s,…?"},
    Row{"-s", Credentials, "a stage is RATE:TIME here; did you mean --stages 100:10s,…?"},
    // ab
    Row{"-p", Any, "did you mean --data @{}?"},
    Row{"-C", Any, "did you mean -H 'Cookie: …'?"},
    Row{"-X", Method, "did you mean -m {}?"},
    Row{"-X", Any, "did you mean -x PROXY?"},
    Row{"-i", Any, "did you mean --request-file {} (or, as ab has it, -m HEAD)?"},
    Row{"-i", None, "did you mean -m HEAD?"},
    Row{"-e", Any, "did you mean --csv {}?"},
    Row{"-g", Any, "did you mean --csv {}?"},
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
    Row{"--warm-up-time", Any, "did you mean --warmup {}?"},
    Row{"--max-concurrent-streams", Number, "did you mean --http2 --streams {}?"},
    // curl, fortio and others
    Row{"-F", Any, "forms are not made here; --data @FILE sends a body as it is"},
    Row{"--request", Method, "did you mean -m {}?"},
    Row{"--concurrency", Number, "did you mean -c {}?"},
    Row{"--qps", Number, "did you mean -R {}?"},
    Row{"--body", Any, "did you mean --data {}?"},
};

/// vegeta's and Go's flags: -rate=50 is --rate=50 here.
constexpr std::array<std::string_view, 12> kLongNames = {"rate",     "duration",  "timeout", "header",
                                                         "targets",  "body",      "workers", "connections",
                                                         "insecure", "keepalive", "method",  "requests"};

std::string LongWithOneDash(std::string_view arg) {
  const auto name = arg.substr(1, arg.find('=') - 1);
  if (std::ranges::find(kLongNames, name) == kLongNames.end()) return {};
  if (name == "targets") return "did you mean --request-file FILE?";
  if (name == "body") return "did you mean --data @FILE?";
  if (name == "workers") return "did you mean -c N?";
  if (name == "keepalive") return "did you mean --connection close?";
  return fmt::format("did you mean -{}?", arg);
}

}  // namespace

std::string HintFor(std::span<const std::string> args) {
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string_view arg = args[i];
    if (!arg.starts_with('-')) continue;
    if (!arg.starts_with("--") && arg.size() > 2) {
      if (auto hint = LongWithOneDash(arg); !hint.empty()) return hint;
    }
    const auto equals = arg.find('=');
    const bool own = arg.starts_with("--") && equals != arg.npos;
    const auto flag = own ? arg.substr(0, equals) : arg;
    const std::string_view value = own                   ? arg.substr(equals + 1)
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
  constexpr std::array<std::string_view, 4> kCommands{"compare", "import", "merge", "search"};
  const bool is_a_word = args[0].find_first_of("-.:/") == args[0].npos;
  const auto command = is_a_word ? sys::NearestName(args[0], kCommands) : "";
  if (!command.empty()) return fmt::format("'{}' is no URL; did you mean loadgen {}?", args[0], command);
  return {};
}

}  // namespace hydrapool::loadgen
