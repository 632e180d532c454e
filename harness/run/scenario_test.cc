#include "harness/run/scenario.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "pool/sys/file.h"

namespace hydrapool::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kWhole = R"(name: storm
proves: nothing
start: { hydrapool: { workers: 3, cgi_dir: cgi-bin, flags: [--balance, round-robin] } }
load:
  - { url: /, rate: 2000, connections: 64 }
  - { url: /cgi-bin/hello, rate: 30/m, keep_alive: false }
echo: { connections: 4, pause: 5ms }
idle: 2
faults:
  - { fault: kill, target: busiest, every: 50ms, from: 1s, to: 2s }
  - { fault: term, target: all, from: 0s }
duration: 3s
seed: 7
expect: { lost: 0, cut: 2, recovery_p99: 50ms }
)";

std::string ErrorOf(const std::string& text) {
  const auto scenario = ParseScenario(text, "x.yaml");
  return scenario ? "none" : scenario.error().message;
}

std::string With(const std::string& line) {
  return "name: x\nstart: { hydrapool: {} }\nload: [{ url: / }]\n" + line + "\n";
}

TEST(ParseScenarioTest, ReadsEveryKey) {
  const auto scenario = ParseScenario(kWhole, "x.yaml");
  ASSERT_TRUE(scenario) << scenario.error().message;
  EXPECT_EQ(scenario->name, "storm");
  const auto& hydrapool = std::get<HydrapoolStart>(scenario->server);
  EXPECT_EQ(hydrapool.workers, 3);
  EXPECT_EQ(hydrapool.cgi_dir, "cgi-bin");
  EXPECT_THAT(hydrapool.flags, ElementsAre("--balance", "round-robin"));
  ASSERT_EQ(scenario->load.size(), 2u);
  EXPECT_EQ(scenario->load[0].rate, 2000);
  EXPECT_EQ(scenario->load[0].connections, 64);
  EXPECT_EQ(scenario->load[1].rate, 0.5);
  EXPECT_FALSE(scenario->load[1].keep_alive);
  EXPECT_EQ(scenario->echo->connections, 4);
  EXPECT_TRUE(scenario->echoes());
  EXPECT_EQ(scenario->idle, 2);
  ASSERT_EQ(scenario->faults.size(), 2u);
  EXPECT_EQ(scenario->faults[0].target, Target::kBusiest);
  EXPECT_EQ(scenario->faults[0].every, 50 * sys::kMillisecond);
  EXPECT_EQ(scenario->faults[1].fault, Fault::kTerm);
  EXPECT_EQ(scenario->duration, 3 * sys::kSecond);
  EXPECT_EQ(scenario->seed, 7u);
  EXPECT_EQ(scenario->expect.at(Measure::kCut), 2);
  EXPECT_EQ(scenario->expect.at(Measure::kRecoveryP99), 50 * sys::kMillisecond);
  EXPECT_EQ(scenario->expect.at(Measure::kDuplicated), 0) << "expected of every run";
}

TEST(ParseScenarioTest, ServersOfOthers) {
  const auto command = ParseScenario(
      "name: x\nstart: { command: [nginx, -c, n.conf], url: 'http://h:1/a' }\nload: [{ url: / }]\n", "x");
  ASSERT_TRUE(command) << command.error().message;
  EXPECT_THAT(std::get<CommandStart>(command->server).arguments, ElementsAre("nginx", "-c", "n.conf"));
  EXPECT_FALSE(command->echoes()) << "only hydrapool's / echoes ids";
  const auto attach =
      ParseScenario("name: x\nattach: { parent: 47, url: 'http://h:1' }\nload: [{ url: / }]\n", "x");
  ASSERT_TRUE(attach) << attach.error().message;
  EXPECT_EQ(std::get<Attachment>(attach->server).parent, 47);
}

TEST(ParseScenarioTest, NamesTheLineAndWhatWasMeant) {
  EXPECT_EQ(ErrorOf(With("duraton: 3s")),
            "x.yaml:4: a scenario has no key 'duraton'; did you mean 'duration'?");
  EXPECT_EQ(ErrorOf(With("faults:\n  - { fault: kill, target: randm }")),
            "x.yaml:5: target 'randm' is none of all, all-but-one, any, busiest, cgi-of=SLOT, idle, "
            "oldest, parent, random, server, slot=N, supervisor, youngest; did you mean 'random'?");
  EXPECT_EQ(ErrorOf(With("faults: [{ fault: kill, every: 1s }]")), "none") << "its target is anyone";
  EXPECT_EQ(ErrorOf(With("faults:\n  - { fault: kill, target: all, evry: 5ms }")),
            "x.yaml:5: a fault has no key 'evry'; did you mean 'every'?");
  EXPECT_EQ(ErrorOf(With("duration: ten")),
            "x.yaml:4: duration: 'ten' is not a duration (like 10s, 500ms, 2m or 1m30s)");
  EXPECT_EQ(ErrorOf(With("expect: { losst: 0 }")),
            "x.yaml:4: expect has no key 'losst'; did you mean 'lost'?");
  EXPECT_THAT(ErrorOf(With("expect: { lost: 5ms }")), StartsWith("x.yaml:4: lost: '5ms' is not a count"));
  EXPECT_THAT(ErrorOf(With("expect: { reap_p99: 5x }")),
              StartsWith("x.yaml:4: reap_p99: '5x' is not a duration"));
  EXPECT_THAT(ErrorOf(With("zzz: 1")), HasSubstr("has no key 'zzz', but name, proves"));
}

TEST(ParseScenarioTest, TimesAndRatesAreThoseOfAllPrograms) {
  const auto scenario = ParseScenario(
      "name: x\nattach: { parent: 47, url: 'http://h:1' }\nload: [{ url: /, rate: 30/m }]\nduration: 1m30s\n"
      "faults: [{ fault: kill, target: all, every: 10 }]\n",
      "x");
  ASSERT_TRUE(scenario) << scenario.error().message;
  EXPECT_EQ(scenario->duration, 90 * sys::kSecond);
  EXPECT_EQ(scenario->faults[0].every, 10 * sys::kSecond);
  EXPECT_EQ(scenario->load[0].rate, 0.5);
}

TEST(ParseScenarioTest, RefusesWhatMakesNoSense) {
  EXPECT_THAT(ErrorOf("name: x\nload: [{ url: / }]\n"), HasSubstr("either 'start' or 'attach'"));
  EXPECT_THAT(ErrorOf("name: x\nstart: { hydrapool: {} }\n"), HasSubstr("needs 'load'"));
  EXPECT_THAT(ErrorOf(With("load: []")), HasSubstr("x.yaml:4: 'load' is there twice"));
  EXPECT_THAT(ErrorOf(With("faults: [{ fault: kill, target: all, count: 3 }]")), HasSubstr("needs 'every'"));
  EXPECT_THAT(ErrorOf(With("faults: [{ fault: kill, target: all, from: 11s }]")), HasSubstr("after the end"));
  EXPECT_THAT(ErrorOf(With("faults: [{ fault: kill, target: all, every: 1s, from: 2s, to: 1s }]")),
              HasSubstr("to is before from"));
  EXPECT_THAT(ErrorOf("name: x\nattach: { parent: 47, url: 'http://h:1' }\nload: [{ url: / }]\n"
                      "faults: [{ fault: kill, target: busiest }]\n"),
              HasSubstr("x.yaml:4: target busiest"));
  EXPECT_THAT(ErrorOf("name: x\nstart: { hydrapool: { workers: 0 } }\nload: [{ url: / }]\n"),
              StartsWith("x.yaml:2: workers: '0'"));
  EXPECT_THAT(ErrorOf("name: x\nstart: { hydrapool: {} }\nload: [{ url: ftp }]\n"),
              StartsWith("x.yaml:3: url"));
  EXPECT_THAT(ErrorOf("name: x\nstart: { hydrapool: {}, url: 'http://h:1' }\nload: [{ url: / }]\n"),
              StartsWith("x.yaml:2: start: url is of a command"));
  EXPECT_THAT(ErrorOf(With("duration: 1s\n---\nname: y")), StartsWith("x.yaml:6: a file holds one scenario"));
  EXPECT_THAT(ErrorOf("name: [x\n"), StartsWith("x.yaml:"));
  EXPECT_THAT(ErrorOf(""), StartsWith("x.yaml:"));
}

TEST(ParseScenarioTest, WhenFaultsCome) {
  const std::string top = "name: x\nstart: { hydrapool: { workers: 2 } }\nload: [{ url: / }]\nfaults:\n";
  const auto scenario =
      ParseScenario(top +
                        "  - { fault: kill, target: cgi-of=1, every: 100ms, pace: poisson, from: 1s }\n"
                        "  - { fault: kill, target: random, requests: 500, count: 3, phase: executing }\n",
                    "x.yaml");
  ASSERT_TRUE(scenario) << scenario.error().message;
  EXPECT_EQ(scenario->faults[0].trigger.pace, Pace::kPoisson);
  EXPECT_EQ(ScheduleStart(*scenario, 0), sys::kSecond);
  EXPECT_EQ(scenario->faults[1].trigger, (Trigger{.requests = 500, .phase = Phase::kExecuting}));
  const auto faults = FaultsOf(*scenario, 7);
  EXPECT_EQ(faults, FaultsOf(*scenario, 7));
  EXPECT_EQ(faults[2].requests, 1500u) << "those by a count come first";
  EXPECT_GE(faults[3].at, sys::kSecond);
  const auto error = [&top](const std::string& fault) {
    const auto read = ParseScenario(top + "  - { fault: kill, " + fault + " }\n", "x.yaml");
    return read ? "" : read.error().message;
  };
  EXPECT_EQ(error("target: slot=2"), "x.yaml:5: target slot=2: there are 2 workers, slots 0 to 1");
  EXPECT_THAT(error("target: cgi-of=2"), HasSubstr("there are 2 workers"));
  EXPECT_THAT(error("target: all, requests: 5"), HasSubstr("needs 'count'"));
  EXPECT_THAT(error("target: all, requests: 5, every: 1s"), HasSubstr("not by both"));
  EXPECT_THAT(error("target: all, pace: poisson"), HasSubstr("needs 'every'"));
  EXPECT_THAT(error("target: parent, phase: idle"), HasSubstr("is of a worker"));
  EXPECT_EQ(error("target: random, every: 1s, phase: reading, exact: true"), "");
  EXPECT_THAT(error("target: random, every: 1s, phase: idle, exact: true"),
              HasSubstr("is of the phases reading"));
  EXPECT_THAT(error("target: all, every: 1s, phase: reading, exact: true"),
              HasSubstr("its target is random"));
  EXPECT_THAT(error("target: all, phase: reeding"), HasSubstr("did you mean 'reading'?"));
  EXPECT_THAT(ErrorOf("name: x\nattach: { parent: 47, url: 'http://h:1' }\nload: [{ url: / }]\n"
                      "faults: [{ fault: kill, target: all, phase: idle }]\n"),
              HasSubstr("x.yaml:4: only a pool's admin endpoint"));
  EXPECT_THAT(ErrorOf("name: x\nattach: { parent: 47, url: 'http://h:1', admin: 'h:2' }\nload: [{ url: / }]\n"
                      "faults: [{ fault: kill, target: random, phase: reading, exact: true }]\n"),
              HasSubstr("only a hydrapool that the harness starts"));
}

TEST(ParseScenarioTest, FaultsThatLastLimitsAndTheSteadyState) {
  const auto scenario = ParseScenario(
      "name: x\nstart: { hydrapool: {} }\nload: [{ url: / }]\n"
      "faults: [{ fault: stop, target: slot=2, for: 500ms }, { fault: hup, target: parent }]\n"
      "limits: { min_alive: 2, faults: 7 }\nsteady: { url: /x, within: 300ms }\n",
      "x.yaml");
  ASSERT_TRUE(scenario) << scenario.error().message;
  EXPECT_TRUE(scenario->holds());
  EXPECT_EQ(scenario->faults[0].hold, 500 * sys::kMillisecond);
  EXPECT_EQ(scenario->faults[0].target, Target(Target::kSlot, 2));
  EXPECT_EQ(scenario->faults[1].target, Target(Target::kParent));
  EXPECT_EQ(scenario->limits.min_alive, 2u);
  EXPECT_EQ(scenario->limits.most, 7u);
  EXPECT_EQ(scenario->steady->url, "/x");
  EXPECT_EQ(scenario->steady->within, 300 * sys::kMillisecond);
  EXPECT_THAT(ErrorOf(With("faults: [{ fault: kill, target: all, for: 1s }]")),
              HasSubstr("kill does not last"));
  EXPECT_THAT(ErrorOf(With("faults: [{ fault: descriptors, target: any, for: 1s }]")),
              HasSubstr("descriptors is only for workers, not for target any"));
  EXPECT_THAT(ErrorOf(With("limits: { min_alive: -1 }")), HasSubstr("min_alive: '-1'"));
  EXPECT_THAT(ErrorOf(With("steady: { url: x }")), HasSubstr("starts neither with /"));
}

TEST(ParseScenarioTest, WhatTheRequestsWithIdsAreLike) {
  const auto scenario = ParseScenario(With("echo: { path: /cgi-bin/echo, body_sizes: [0, 65537], chunked: "
                                           "0.2, bytewise: 0.1, reset_within: 9000,\n"
                                           "        pipeline: 4, flood: [pipe, chunks] }"),
                                      "x.yaml");
  ASSERT_TRUE(scenario) << scenario.error().message;
  const EchoLoad& echo = *scenario->echo;
  EXPECT_EQ(echo.path, "/cgi-bin/echo");
  EXPECT_EQ(echo.mix.body_sizes, (std::vector<std::size_t>{0, 65537}));
  EXPECT_EQ(echo.mix.chunked, 0.2);
  EXPECT_EQ(echo.mix.bytewise, 0.1);
  EXPECT_EQ(echo.mix.reset_within, 9000u);
  EXPECT_EQ(echo.pipeline, 4u);
  EXPECT_EQ(echo.floods, (std::vector{FloodKind::kPipe, FloodKind::kChunks}));
  EXPECT_THAT(ErrorOf(With("echo: { body_sizes: [1] }")), HasSubstr("needs a path"));
  const auto slow = ParseScenario(With("echo: { half_close: true, slow_reader: 20kb }"), "x.yaml");
  ASSERT_TRUE(slow) << slow.error().message;
  EXPECT_TRUE(slow->echo->half_close);
  EXPECT_EQ(slow->echo->slow_reader, 20'480);
  EXPECT_EQ(slow->echo->pause, 0);
  EXPECT_THAT(ErrorOf(With("echo: { slow_reader: 1kb, pause: 5ms }")), HasSubstr("does not go with pause"));
  EXPECT_THAT(ErrorOf(With("echo: { chunked: 2 }")), HasSubstr("not a part from 0 to 1"));
  EXPECT_THAT(ErrorOf(With("echo: { flood: [pip] }")), HasSubstr("did you mean 'pipe'?"));
}

TEST(ScheduleOfTest, TheFirstFaultComesAtFromAndTheLastNotAfterTo) {
  const auto scenario = ParseScenario(kWhole, "x.yaml");
  FaultSchedule schedule(ScheduleOf(*scenario, 0, 7));
  std::vector<sys::Nanos> times;
  while (const auto fault = schedule.Next()) times.push_back(ScheduleStart(*scenario, 0) + fault->at);
  ASSERT_EQ(times.size(), 21u);
  EXPECT_EQ(times.front(), sys::kSecond);
  EXPECT_EQ(times.back(), 2 * sys::kSecond);
}

TEST(ScheduleOfTest, AFaultWithoutEveryComesOnce) {
  const auto scenario = ParseScenario(kWhole, "x.yaml");
  FaultSchedule schedule(ScheduleOf(*scenario, 1, 7));
  const auto fault = schedule.Next();
  ASSERT_TRUE(fault);
  EXPECT_EQ(ScheduleStart(*scenario, 1) + fault->at, 0);
  EXPECT_FALSE(schedule.Next());
}

TEST(ScheduleOfTest, PlansDrawDifferently) {
  auto scenario = *ParseScenario(kWhole, "x.yaml");
  scenario.faults[1] = scenario.faults[0];
  FaultSchedule first(ScheduleOf(scenario, 0, 7));
  FaultSchedule second(ScheduleOf(scenario, 1, 7));
  EXPECT_NE(first.Next()->draw, second.Next()->draw);
}

TEST(ParseExpectationTest, CountsAndTimes) {
  EXPECT_EQ(ParseExpectation("lost=3")->second, 3);
  EXPECT_EQ(ParseExpectation("reap_p99=5ms")->second, 5 * sys::kMillisecond);
  EXPECT_FALSE(ParseExpectation("lost"));
  EXPECT_FALSE(ParseExpectation("lost=-1"));
  EXPECT_THAT(ParseExpectation("recovry_p99=5ms").error().message, HasSubstr("did you mean 'recovery_p99'?"));
}

TEST(FaultsOfTest, AreThoseOfAllPlansInTheOrderOfTheirTimes) {
  const auto scenario = ParseScenario(
      "name: x\nstart: { hydrapool: {} }\nload: [{ url: / }]\nduration: 2s\n"
      "faults:\n"
      "  - { fault: kill, target: any, every: 500ms, from: 500ms, to: 1500ms }\n"
      "  - { fault: reload, from: 700ms }\n"
      "  - { fault: stop, target: slot=1, from: 800ms, for: 300ms }\n",
      "x.yaml");
  ASSERT_TRUE(scenario) << scenario.error().message;
  const auto faults = FaultsOf(*scenario, 7);
  std::vector<std::string> told;
  for (const PlannedFault& each : faults)
    told.push_back(fmt::format("{} {} {} {}", each.id, each.at / sys::kMillisecond, Name(each.fault),
                               Name(each.target)));
  EXPECT_THAT(told, testing::ElementsAre("1 500 kill any", "2 700 reload server", "3 800 stop slot=1",
                                         "4 1000 kill any", "5 1500 kill any"));
  EXPECT_EQ(faults[2].hold, 300 * sys::kMillisecond);
  EXPECT_EQ(faults[3].hold, std::nullopt);
  EXPECT_EQ(faults, FaultsOf(*scenario, 7));
  EXPECT_NE(faults, FaultsOf(*scenario, 8));
}

TEST(ScenarioFilesTest, EachIsAScenario) {
  int files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(HYDRAPOOL_SOURCE_DIR "/harness/scenarios")) {
    if (entry.path().extension() != ".yaml") continue;
    const auto scenario = ParseScenario(sys::ReadFile(entry.path()), entry.path().filename());
    ++files;
    if (!scenario) {
      ADD_FAILURE() << scenario.error().message;
      continue;
    }
    EXPECT_EQ(scenario->name, entry.path().stem());
  }
  EXPECT_GT(files, 30);
}

/// The lines of `text` from the one that is `first` to the next empty one, without their margin.
std::string BlockIn(const std::string& text, const std::string& first) {
  const auto begin = text.find("\n    " + first + "\n");
  std::istringstream lines(text.substr(begin == text.npos ? text.size() : begin + 1));
  std::string block;
  for (std::string line; std::getline(lines, line) && line.size() > 4;) block += line.substr(4) + "\n";
  return block;
}

TEST(ScenarioFilesTest, TheOneInTheReadmeIsAScenario) {
  const auto block = BlockIn(sys::ReadFile(HYDRAPOOL_SOURCE_DIR "/harness/README.md"), "name: kill-storm");
  const auto scenario = ParseScenario(block, "README.md");
  ASSERT_TRUE(scenario) << scenario.error().message;
  EXPECT_GT(scenario->faults.size(), 5u);
  EXPECT_GT(scenario->expect.size(), 4u);
}

TEST(ScenarioTest, WordsStandForAPlace) {
  const auto read = ParseScenario(
      "name: x\nstart: { command: [s, PORT, WORK/a, WORKERS=4, -pWORK, TRANSPORT], url: "
      "'http://127.0.0.1:PORT/', files: { a: 'dir WORK' } "
      "}\n"
      "commands: { reload: [sh, WORK/b] }\nload: [{ url: / }]\n"
      "echo: { path: /e, ledger: WORK/l, body_sizes: [1] }\n",
      "x.yaml");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->echoes()) << "its path was named";
  const auto placed = At({.work = "/w", .port = "81", .disk = "/d"}, *read);
  const auto& command = std::get<CommandStart>(placed.server);
  EXPECT_EQ(command.arguments,
            (std::vector<std::string>{"s", "81", "/w/a", "WORKERS=4", "-p/w", "TRANSPORT"}));
  EXPECT_EQ(command.url, "http://127.0.0.1:81/");
  EXPECT_EQ(command.files.at("a"), "dir /w");
  EXPECT_EQ(placed.commands.at(Fault::kReload).back(), "/w/b");
  EXPECT_EQ(placed.echo->ledger, "/w/l");
}

TEST(ScenarioTest, FaultsOfNetworkAndDiskSayWhatTheyNeed) {
  const std::string top = "name: x\nstart: { hydrapool: { workers: 1 } }\nload: [{ url: / }]\n";
  const auto error = [&](const std::string& more) {
    const auto read = ParseScenario(top + more, "x.yaml");
    return read ? "" : read.error().message;
  };
  EXPECT_THAT(error("faults: [{ fault: network }]"), HasSubstr("x.yaml:4: a fault needs 'how'"));
  EXPECT_THAT(error("faults: [{ fault: network, how: loss 5 }]"), HasSubstr("names no part such as loss 5%"));
  EXPECT_THAT(error("faults: [{ fault: kill, target: all, how: loss 5% }]"),
              HasSubstr("only the fault network"));
  EXPECT_THAT(error("faults: [{ fault: full-disk }]"), HasSubstr("full-disk needs 'disk'"));
  EXPECT_THAT(error("faults: [{ fault: network, how: partition, target: all }]"),
              HasSubstr("of the whole server"));
  EXPECT_EQ(error("disk: 9gb"), "x.yaml:4: disk: one that is to be filled has 256mb at most");
  EXPECT_EQ(error("disk: 8mb\nfaults: [{ fault: full-disk, for: 1s }]"), "");
}

}  // namespace
}  // namespace hydrapool::harness
