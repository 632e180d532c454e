#include "harness/command/fault_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "harness/command/cli.h"
#include "harness/fault/small_disk.h"

namespace hydrapool::harness {

InjectLimits FaultOptions::limits() const {
  InjectLimits limits{.any_user = any_user, .min_alive = min_alive};
  if (most > 0) limits.most = most;
  return limits;
}

Commands FaultOptions::commands() const {
  if (command.empty()) return {};
  return {{fault, {"/bin/sh", "-c", command}}};
}

Harm FaultOptions::harm() const { return {.network = how, .port = port, .disk = disk}; }

std::string TimeWord(sys::Nanos time) {
  if (time % sys::kSecond == 0) return fmt::format("{}s", time / sys::kSecond);
  if (time % sys::kMillisecond == 0) return fmt::format("{}ms", time / sys::kMillisecond);
  return fmt::format("{}us", time / sys::kMicrosecond);
}

std::string FaultOptions::words() const {
  std::string words = fmt::format(" --fault {} --target {}", Name(fault), Name(chosen_target()));
  if (InfoOf(fault).effect == Effect::kHolds) words += " --hold " + TimeWord(hold);
  if (trigger.pace != Pace::kSteady) words += fmt::format(" --pace {}", Name(trigger.pace));
  if (trigger.requests) words += fmt::format(" --requests {}", *trigger.requests);
  if (trigger.phase) words += fmt::format(" --phase {}", Name(*trigger.phase));
  if (how) words += fmt::format(" --how '{}'", how->text);
  if (!disk.empty()) words += " --disk " + disk;
  if (!command.empty()) words += fmt::format(" --command '{}'", command);
  if (any_user) words += " --any-user";
  if (min_alive > 0) words += fmt::format(" --min-alive {}", min_alive);
  if (most > 0) words += fmt::format(" --budget {}", most);
  if (!steady.empty()) words += fmt::format(" --steady {} --within {}", steady, TimeWord(within));
  return words;
}

namespace {

/// The completions offer the names of "kill, term"; help, whose text has them all, says NAME.
void OfferNames(CLI::Option& option, std::string names) {
  std::erase(names, ' ');
  std::ranges::replace(names, ',', '|');
  option.type_name("{" + names + "}")->option_text("NAME");
}

}  // namespace

void AddFaultOptions(CLI::App& app, FaultOptions& options) {
  OfferNames(
      *AddParsed(app, "--fault", options.fault, ParseFault, "What to do (default kill): " + FaultNames()),
      FaultNames());
  OfferNames(*AddParsed(app, "--target", options.target, ParseTarget,
                        "To whom (default random): " + TargetNames() +
                            "; busiest, idle, slot=N, cgi-of=SLOT and supervisor need --admin"),
             TargetNames());
  AddDuration(app, "--hold", options.hold, "How long a fault that is held lasts (default 1s)");
  AddLimitOptions(app, options);
}

void AddTriggerOptions(CLI::App& app, Trigger& trigger) {
  AddParsed(app, "--pace", trigger.pace, ParsePace,
            "steady: one --every apart; poisson: so far apart on average, as independent events come")
      ->type_name("{steady|poisson}");
  app.add_option("--requests", trigger.requests,
                 "A fault whenever the server has executed so many more requests, instead of --every; needs "
                 "--admin")
      ->check(WholeFrom(1))
      ->type_name("N");
  AddParsed(
      app, "--phase", trigger.phase, ParsePhase,
      "Only a worker that is idle, reading, executing or responding, waited for up to 1 s; needs --admin. "
      "How many were so at their death is told at the end")
      ->type_name("{idle|reading|executing|responding}");
}

void AddLimitOptions(CLI::App& app, FaultOptions& options) {
  app.add_option("--command", options.command,
                 "For reload, upgrade and restart: the server's own command, a line for sh")
      ->type_name("LINE");
  AddParsed(
      app, "--how", options.how, ParseNetworkHarm,
      "For network: loss 5%, partition, reset 1%, disconnect 10%, rate 100kb, delay 50ms or reorder 25%")
      ->type_name("HOW");
  app.add_option("--port", options.port, "For network: the port whose packets are hurt (default: the URL's)")
      ->check(CLI::Range(1, 65535).description(""))
      ->type_name("N");
  app.add_option("--disk", options.disk,
                 "For full-disk: a directory that is a file system of its own, of 256 MB at most")
      ->type_name("DIR");
  app.add_flag("--any-user", options.any_user, "As root: also workers that belong to another user");
  app.add_option("--min-alive", options.min_alive, "Leave so many workers alone")
      ->check(WholeFrom(0))
      ->type_name("N");
  app.add_option("--budget", options.most, "Deal at most so many blows")->check(WholeFrom(1))->type_name("N");
  app.add_option("--steady", options.steady,
                 "Abort (exit 4) when no request to this URL is answered for --within")
      ->type_name("URL");
  AddDuration(app, "--within", options.within, "That time (default 1s)");
}

namespace {

/// Of network and full-disk: whether they have what they need.
sys::Result<void> CheckMeans(const FaultOptions& options) {
  const bool is_network = options.fault == Fault::kNetwork;
  if (is_network != options.how.has_value())
    return sys::Failure(is_network ? "--fault network needs --how" : "--how is for --fault network");
  const bool fills = options.fault == Fault::kFullDisk;
  if (fills == options.disk.empty())
    return sys::Failure(fills ? "--fault full-disk needs --disk" : "--disk is for --fault full-disk");
  if (fills) {
    if (const auto why = WhyNoFilling(options.disk)) return sys::Failure("full-disk: " + *why);
  }
  if (is_network) {
    if (const auto why = WhyNoHarm(*options.how))
      return tl::unexpected(sys::Error{.code = kCannotHere, .message = "network: " + *why});
  }
  return {};
}

}  // namespace

sys::Result<void> CheckOptions(const FaultOptions& options, const std::string& admin) {
  const Target target = options.chosen_target();
  if (const auto why = WhyNotTogether(options.fault, target)) return sys::Failure("--target: " + *why);
  if (const auto why = WhyNoCommand(options.fault, options.commands(), !admin.empty()))
    return sys::Failure(*why + " (--command)");
  if (auto checked = CheckMeans(options); !checked) return checked;
  if (!options.command.empty() && InfoOf(options.fault).effect != Effect::kRenews)
    return sys::Failure(
        fmt::format("--command is for reload, upgrade and restart, not for {}", Name(options.fault)));
  if (target.needs_status() && admin.empty()) {
    return sys::Failure(
        fmt::format("--target {} needs --admin: only the pool knows which process that is", Name(target)));
  }
  if (const auto why = WhyNotTogether(options.trigger, target)) return sys::Failure("--" + *why);
  if (options.trigger.needs_status() && admin.empty())
    return sys::Failure(
        "--requests and --phase need --admin: only the pool counts its requests and knows what "
        "its workers do");
  if (!options.steady.empty() && !options.steady.starts_with("http://"))
    return sys::Failure(fmt::format("--steady '{}' does not start with http://", options.steady));
  return {};
}

std::string FaultsHelp() {
  std::string help = "\nFaults:\n";
  for (const FaultInfo& info : AllFaults()) help += fmt::format("  {:14} {}\n", info.name, info.words);
  return help +
         "What is held lasts for --hold and is taken back then, at an abort, and, by a guard process, if "
         "this one is\n"
         "killed. Each fault is confirmed, mismatched (something else was seen) or unproved (nothing was "
         "done).\n";
}

}  // namespace hydrapool::harness
