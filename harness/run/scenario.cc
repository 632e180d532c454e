#include "harness/run/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "harness/fault/bytes.h"
#include "harness/fault/small_disk.h"
#include "harness/run/fault_reader.h"
#include "harness/run/yaml_reader.h"

namespace hydrapool::harness {
namespace {

using yaml::Map;

constexpr std::int64_t kMostConnections = 100'000;
constexpr std::int64_t kLargestBody = 1'000'000'000;

HydrapoolStart HydrapoolOf(const YAML::Node& node) {
  const Map map(node, "hydrapool", {"workers", "cgi_dir", "flags"});
  HydrapoolStart hydrapool;
  if (const auto workers = map["workers"])
    hydrapool.workers = static_cast<int>(yaml::Integer(workers, "workers", 1, 256));
  if (const auto directory = map["cgi_dir"]) {
    hydrapool.cgi_dir = yaml::Text(directory, "cgi_dir");
    hydrapool.cgi_line = directory.Mark().line + 1;
  }
  if (const auto flags = map["flags"]) hydrapool.flags = yaml::Texts(flags, "flags");
  return hydrapool;
}

std::string UrlOf(const YAML::Node& node) {
  const std::string url = yaml::Text(node, "url");
  if (!url.starts_with("http://"))
    yaml::Fail(node, fmt::format("url: '{}' does not start with http://", url));
  return url;
}

CommandStart CommandOf(const Map& map) {
  const auto command = map.Required("command");
  CommandStart start{.arguments = yaml::Texts(command, "command"), .url = UrlOf(map.Required("url"))};
  if (command.size() == 0) yaml::Fail(command, "command: names no program");
  if (const auto admin = map["admin"]) start.admin = yaml::Text(admin, "admin");
  const auto files = map["files"];
  if (files && !files.IsMap()) yaml::Fail(files, "files must be a map of names and texts");
  for (const auto& each : files) {
    const std::string name = yaml::Text(each.first, "files");
    if (name.empty() || name.find('/') != name.npos)
      yaml::Fail(each.first, fmt::format("files: '{}' is no name of a file in WORK", name));
    start.files[name] = yaml::Text(each.second, name);
  }
  return start;
}

void ReadServer(const Map& top, Scenario& scenario) {
  const auto start = top["start"];
  const auto attach = top["attach"];
  if (start.IsDefined() == attach.IsDefined())
    yaml::Fail(top.node(), "a scenario needs either 'start' or 'attach'");
  if (attach) {
    const Map map(attach, "attach", {"parent", "url", "admin", "any_user"});
    Attachment to;
    to.line = attach.Mark().line + 1;
    to.parent = static_cast<pid_t>(
        yaml::Integer(map.Required("parent"), "parent", 2, std::numeric_limits<pid_t>::max()));
    to.url = UrlOf(map.Required("url"));
    if (const auto admin = map["admin"]) to.admin = yaml::Text(admin, "admin");
    if (const auto any_user = map["any_user"]) scenario.limits.any_user = yaml::Flag(any_user, "any_user");
    scenario.server = to;
    return;
  }
  const Map map(start, "start", {"hydrapool", "command", "url", "admin", "files"});
  if (const auto hydrapool = map["hydrapool"]) {
    for (const char* key : {"command", "url", "admin", "files"}) {
      if (const auto other = map[key])
        yaml::Fail(other,
                   fmt::format("start: {} is of a command; the harness chooses hydrapool's addresses", key));
    }
    scenario.server = HydrapoolOf(hydrapool);
    return;
  }
  scenario.limits.any_user = true;
  scenario.server = CommandOf(map);
}

std::string PathOrUrl(const YAML::Node& node) {
  const std::string url = yaml::Text(node, "url");
  if (!url.starts_with('/') && !url.starts_with("http://"))
    yaml::Fail(node, fmt::format("url: '{}' starts neither with / nor with http://", url));
  return url;
}

LoadPlan LoadOf(const YAML::Node& node) {
  const Map map(node, "a load", {"url", "rate", "connections", "keep_alive", "client"});
  LoadPlan load;
  load.url = PathOrUrl(map.Required("url"));
  if (const auto rate = map["rate"]) load.rate = yaml::Rate(rate, "rate");
  if (const auto connections = map["connections"])
    load.connections = static_cast<int>(yaml::Integer(connections, "connections", 1, kMostConnections));
  if (const auto keep_alive = map["keep_alive"]) load.keep_alive = yaml::Flag(keep_alive, "keep_alive");
  static const std::map<std::string, Client> kClients{{"loadgen", Client::kLoadgen},
                                                      {"plain", Client::kPlain}};
  if (const auto client = map["client"]) load.client = yaml::Named(client, "client", kClients);
  if (load.client == Client::kPlain && (load.rate || !load.keep_alive))
    yaml::Fail(node, "client plain: it knows neither rate nor keep_alive");
  return load;
}

void ReadDisk(const YAML::Node& node, Scenario& scenario) {
  const std::string text = yaml::Text(node, "disk");
  if (text.starts_with('/')) {
    scenario.disk.directory = text;
    return;
  }
  scenario.disk.bytes = yaml::Parsed(node, "disk", ParseBytes);
  if (scenario.disk.bytes > kLargestDisk)
    yaml::Fail(node, "disk: one that is to be filled has 256mb at most");
  if (std::holds_alternative<Attachment>(scenario.server))
    yaml::Fail(node, "disk: a server that runs already has its own; name its directory");
}

void ReadLimits(const YAML::Node& node, Scenario& scenario) {
  const Map map(node, "limits", {"min_alive", "faults"});
  if (const auto alive = map["min_alive"])
    scenario.limits.min_alive = static_cast<std::size_t>(yaml::Integer(alive, "min_alive", 0, 10'000));
  if (const auto most = map["faults"])
    scenario.limits.most = static_cast<std::uint64_t>(yaml::Integer(most, "faults", 1, 1'000'000'000));
}

void ReadSteady(const YAML::Node& node, Scenario& scenario) {
  const Map map(node, "steady", {"url", "within"});
  auto& steady = scenario.steady.emplace();
  if (const auto url = map["url"]) steady.url = PathOrUrl(url);
  if (const auto within = map["within"]) steady.within = yaml::Duration(within, "within");
}

std::vector<std::size_t> BodySizesOf(const YAML::Node& node) {
  if (!node.IsSequence() || node.size() == 0) yaml::Fail(node, "body_sizes must be a list of sizes");
  std::vector<std::size_t> sizes;
  for (const auto& each : node)
    sizes.push_back(static_cast<std::size_t>(yaml::Integer(each, "body_sizes", 0, kLargestBody)));
  return sizes;
}

void ReadEcho(const YAML::Node& node, Scenario& scenario) {
  if (node.IsScalar()) {
    if (!yaml::Flag(node, "echo")) scenario.echo.reset();
    return;
  }
  const Map map(node, "echo",
                {"connections", "pause", "path", "pipeline", "body_sizes", "chunked", "bytewise",
                 "reset_within", "flood", "ledger", "half_close", "slow_reader"});
  EchoLoad& echo = *scenario.echo;
  if (const auto path = map["path"]) echo.path = yaml::Text(path, "path");
  echo.asked_for = static_cast<bool>(map["path"]);
  if (const auto ledger = map["ledger"]) echo.ledger = yaml::Text(ledger, "ledger");
  if (const auto pipeline = map["pipeline"])
    echo.pipeline = static_cast<std::size_t>(yaml::Integer(pipeline, "pipeline", 1, kMostConnections));
  if (const auto half = map["half_close"]) echo.half_close = yaml::Flag(half, "half_close");
  if (const auto slow = map["slow_reader"]) {
    echo.slow_reader = static_cast<std::int64_t>(yaml::Parsed(slow, "slow_reader", ParseBytes));
    if (map["pause"]) yaml::Fail(slow, "slow_reader does not go with pause");
    echo.pause = 0;
  }
  if (const auto sizes = map["body_sizes"]) {
    echo.mix.body_sizes = BodySizesOf(sizes);
    if (echo.path == "/" && std::holds_alternative<HydrapoolStart>(scenario.server))
      yaml::Fail(sizes, "body_sizes needs a path that gives bodies back, as /cgi-bin/echo does");
  }
  if (const auto part = map["chunked"]) echo.mix.chunked = yaml::Part(part, "chunked");
  if (const auto part = map["bytewise"]) echo.mix.bytewise = yaml::Part(part, "bytewise");
  if (const auto within = map["reset_within"])
    echo.mix.reset_within =
        static_cast<std::uint64_t>(yaml::Integer(within, "reset_within", 1, kLargestBody));
  if (const auto floods = map["flood"]) {
    if (!floods.IsSequence()) yaml::Fail(floods, "flood must be a list, [pipe, chunks, …]");
    for (const auto& each : floods) echo.floods.push_back(yaml::Parsed(each, "flood", ParseFloodKind));
  }
  if (const auto connections = map["connections"])
    scenario.echo->connections =
        static_cast<int>(yaml::Integer(connections, "connections", 1, kMostConnections));
  if (const auto pause = map["pause"]) scenario.echo->pause = yaml::Duration(pause, "pause");
}

void ReadExpectations(const YAML::Node& node, Scenario& scenario) {
  std::vector<std::string_view> names;
  for (const MeasureInfo& info : Measures()) names.push_back(info.name);
  const Map map(node, "expect", names);
  for (const auto& entry : node) {
    const std::string name = entry.first.Scalar();
    const auto parsed = ParseExpectation(name + "=" + yaml::Text(entry.second, name));
    if (!parsed) yaml::Fail(entry.second, parsed.error().message);
    scenario.expect[parsed->first] = parsed->second;
  }
}

Scenario Read(const YAML::Node& root) {
  const Map top(root, "a scenario",
                {"name", "proves", "start", "attach", "load", "echo", "idle", "faults", "commands", "limits",
                 "steady", "duration", "seed", "expect", "disk"});
  Scenario scenario;
  scenario.name = yaml::Text(top.Required("name"), "name");
  if (const auto proves = top["proves"]) scenario.proves = yaml::Text(proves, "proves");
  ReadServer(top, scenario);
  if (const auto duration = top["duration"]) scenario.duration = yaml::Duration(duration, "duration");
  const auto load = top.Required("load");
  if (!load.IsSequence() || load.size() == 0) yaml::Fail(load, "load must be a list of { url: … }");
  for (const auto& each : load) scenario.load.push_back(LoadOf(each));
  if (const auto disk = top["disk"]) ReadDisk(disk, scenario);
  if (const auto commands = top["commands"]) scenario.commands = ReadCommands(commands);
  if (const auto faults = top["faults"]) {
    if (!faults.IsSequence()) yaml::Fail(faults, "faults must be a list of { fault: …, target: … }");
    for (const auto& each : faults) scenario.faults.push_back(ReadFault(each, scenario));
  }
  if (const auto limits = top["limits"]) ReadLimits(limits, scenario);
  if (const auto steady = top["steady"]) ReadSteady(steady, scenario);
  if (const auto echo = top["echo"]) ReadEcho(echo, scenario);
  if (const auto idle = top["idle"])
    scenario.idle = static_cast<int>(yaml::Integer(idle, "idle", 0, kMostConnections));
  if (const auto seed = top["seed"])
    scenario.seed =
        static_cast<std::uint64_t>(yaml::Integer(seed, "seed", 0, std::numeric_limits<std::int64_t>::max()));
  if (const auto expect = top["expect"]) ReadExpectations(expect, scenario);
  return scenario;
}

}  // namespace

sys::Result<Scenario> ParseScenario(const std::string& text, const std::string& file) {
  try {
    const auto documents = YAML::LoadAll(text);
    if (documents.size() > 1)
      yaml::Fail(documents[1], "a file holds one scenario, and here is a second document");
    Scenario scenario = Read(documents.empty() ? YAML::Node() : documents[0]);
    scenario.file = file;
    return scenario;
  } catch (const yaml::Mistake& mistake) {
    return sys::Failure(fmt::format("{}:{}: {}", file, mistake.line, mistake.message));
  } catch (const YAML::Exception& error) {
    return sys::Failure(fmt::format("{}:{}: {}", file, error.mark.line + 1, error.msg));
  }
}

}  // namespace hydrapool::harness
