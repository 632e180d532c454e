#include "pool/control/ctl.h"

#include <fmt/format.h>
#include <poll.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "pool/control/client.h"
#include "pool/control/text.h"
#include "pool/manual/mistake.h"
#include "pool/manual/option_table.h"
#include "pool/sys/clock.h"
#include "pool/sys/nearest_name.h"

namespace hydrapool::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kHelp = R"(
Commands:
  workers       each worker: its slot, process, state, connections, requests, memory, age
  leases        each open connection, and which worker has it
  losses        what was lost, cut or refused, and the last of it one by one
  drain SLOT    the slot's worker finishes what it has in hand, its idle connections go to others, and the slot stays
                empty, over reloads too, until it is recycled; never the last one
  recycle SLOT  a new worker for the slot at once; the one there finishes what it has in hand, as by TERM
  resize N      so many workers (as TTIN and TTOU do)
  reload        start the program anew with its options as they are now (as HUP does), and wait until it serves
  upgrade       the same with the program that stands under its name by now (as USR2 does)
  watch         tell what happens as it happens: workers' and parents' ends, reloads, what was carried on; until the
                server ends

--json prints one JSON document, for watch one on each line.
Exit codes: 0 done, 1 refused or no server, 2 usage.)";

constexpr std::array kWithNumber{"drain", "recycle", "resize"};
constexpr std::array kAlone{"workers", "leases", "losses", "reload", "upgrade", "watch"};
constexpr std::chrono::seconds kPatience{5};
constexpr sys::Nanos kLongestReload = 20 * sys::kSecond;

struct Wish {
  std::string path;
  std::string command;
  std::string number;
  bool json = false;
  [[nodiscard]] std::string line() const { return number.empty() ? command : command + " " + number; }
};

int Complain(const sys::Error& error) {
  std::fprintf(stderr, "hydrapool ctl: %s\n", error.message.c_str());
  return 1;
}

std::string JsonText(const Wish& wish, const Reply& reply) {
  const bool lists = wish.command == "workers" || wish.command == "leases" || wish.command == "losses";
  Json whole = Json::object();
  if (lists) {
    Json& list = whole[wish.command] = Json::array();
    for (const std::string& line : reply.lines) list.push_back(Json::parse(line));
  }
  const Json last = Json::parse(reply.last);
  for (const auto& [name, value] : last.items()) {
    if (!lists || name != "ok") whole[name] = value;
  }
  return whole.dump() + "\n";
}

int Show(const Wish& wish, const Reply& reply) {
  std::fputs((wish.json ? JsonText(wish, reply) : Text(wish.command, reply)).c_str(), stdout);
  return std::fflush(stdout) == 0 ? 0 : 1;
}

int WatchEvents(const Wish& wish) {
  const auto ended = Watch(wish.path, [&wish](const Json& event) {
    std::fputs((wish.json ? event.dump() + "\n" : Text(event)).c_str(), stdout);
    return std::fflush(stdout) == 0;
  });
  if (!ended) return Complain(ended.error());
  if (*ended) std::fputs("hydrapool ctl: the server has ended\n", stderr);
  return 0;
}

/// Until the program that was asked for serves, or is refused.
int AwaitProgram(const Wish& wish, const Reply& asked) {
  for (const sys::Nanos deadline = sys::Now() + kLongestReload; sys::Now() < deadline;) {
    const auto now = Ask(wish.path, "program", kPatience);
    if (!now) return Complain(now.error());
    const Json then = Json::parse(asked.last);
    const Json is = Json::parse(now->last);
    if (is.at("program") != then.at("program")) return Show(wish, *now);
    if (is.at("refused") != then.at("refused"))
      return Complain(
          {.message = wish.command + " refused: all stays as it was, and the server's log says why"});
    constexpr int kBetweenLooks = 20;
    ::poll(nullptr, 0, kBetweenLooks);
  }
  return Complain({.message = "the new program does not serve yet: the server's log says more"});
}

int Obey(const Wish& wish) {
  if (wish.command == "watch") return WatchEvents(wish);
  const auto reply = Ask(wish.path, wish.line(), kPatience);
  if (!reply) return Complain(reply.error());
  const bool follows = wish.command == "reload" || wish.command == "upgrade";
  return follows ? AwaitProgram(wish, *reply) : Show(wish, *reply);
}

std::vector<std::string_view> Commands() {
  std::vector<std::string_view> all(kAlone.begin(), kAlone.end());
  all.insert(all.end(), kWithNumber.begin(), kWithNumber.end());
  return all;
}

/// What is wrong with it; "": nothing.
std::string Fault(const Wish& wish) {
  const bool alone = std::ranges::find(kAlone, wish.command) != kAlone.end();
  const bool with_number = std::ranges::find(kWithNumber, wish.command) != kWithNumber.end();
  if (!alone && !with_number) {
    return "no such command: " + sys::NoSuchName(wish.command, Commands());
  }
  if (alone && !wish.number.empty()) return wish.command + " takes no argument";
  if (with_number && wish.number.empty()) return wish.command + " wants a number";
  if (wish.path.empty()) return "which server? --control PATH or HYDRAPOOL_CONTROL names its socket";
  return "";
}

}  // namespace

int Ctl(int count, char** arguments) {
  Wish wish;
  CLI::App app{"Asks and steers a hydrapool that runs with --control PATH.", "hydrapool ctl"};
  app.footer(kHelp);
  app.add_option("--control", wish.path, "The server's control socket")
      ->envname("HYDRAPOOL_CONTROL")
      ->type_name("PATH");
  app.add_flag("--json", wish.json, "For programs");
  app.add_option("command", wish.command, "What to do")
      ->required()
      ->type_name(fmt::format("{{{}}}", fmt::join(Commands(), "|")))
      ->option_text("COMMAND");
  app.add_option("argument", wish.number, "SLOT or N")->type_name("[SLOT|N]");
  if (const auto table = manual::TableIfAsked(app, count, arguments)) {
    std::fputs(table->c_str(), stdout);
    return 0;
  }
  try {
    app.parse(count, arguments);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "hydrapool ctl: %s (see hydrapool ctl --help)\n",
                 manual::Explain(app, error).c_str());
    return 2;
  }
  if (const std::string fault = Fault(wish); !fault.empty()) {
    std::fprintf(stderr, "hydrapool ctl: %s (see hydrapool ctl --help)\n", fault.c_str());
    return 2;
  }
  return Obey(wish);
}

}  // namespace hydrapool::control
