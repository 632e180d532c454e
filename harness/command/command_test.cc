#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "harness/fault/worker_kind.h"
#include "harness/testing/family.h"
#include "pool/sys/scratch_dir.h"
#include "pool/sys/socket.h"
#include "pool/testing/json.h"

namespace hydrapool::harness {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

struct Finished {
  int exit_code = -1;
  std::string output;
};

Finished Shell(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  Finished finished;
  std::array<char, 4096> buffer;
  while (const auto got = ::fread(buffer.data(), 1, buffer.size(), pipe))
    finished.output.append(buffer.data(), got);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) finished.exit_code = WEXITSTATUS(status);
  return finished;
}

constexpr const char* kHarness = HYDRAPOOL_BIN_DIR "/harness ";

/// Runs the binary; `output` is stdout and stderr together.
Finished Harness(const std::string& arguments) { return Shell(kHarness + arguments + " 2>&1"); }

struct ScratchFile {
  void Write(const std::string& text) const { std::ofstream(path) << text; }
  [[nodiscard]] std::string Text() const {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] std::vector<nlohmann::json> Lines() const {
    std::ifstream file(path);
    std::vector<nlohmann::json> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(support::ParseJson(line));
    return lines;
  }
  sys::ScratchDir directory{"harness-test"};
  std::string path = directory / "file";
};

/// A pool's admin endpoint that always gives the same status.json.
struct AdminEndpoint {
  explicit AdminEndpoint(const std::string& json) {
    const auto listener = sys::Listen("127.0.0.1:0");
    address = sys::LocalAddress(listener.get());
    const std::string page = fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", json.size(), json);
    server = sys::Child::Fork([fd = listener.get(), &page]() -> int {
      ::fcntl(fd, F_SETFL, 0);
      for (;;) {
        const sys::UniqueFd client(::accept(fd, nullptr, nullptr));
        std::array<char, 4096> request;
        if (::recv(client.get(), request.data(), request.size(), 0) <= 0) continue;
        ::send(client.get(), page.data(), page.size(), MSG_NOSIGNAL);
      }
    });
  }
  std::string address;
  sys::Child server;
};

std::string StatusOf(pid_t parent, pid_t worker) {
  return fmt::format(
      R"({{"schema":1,"pid":{},"workers":[{{"slot":5,"pid":{},"state":"ready","busy":1,"leases":2}}]}})",
      parent, worker);
}

TEST(CommandLineTest, WhatIsWrongIsOneLineAndExitCode2) {
  const auto childless = sys::Child::Fork(SleepForEver);
  const std::string no_children = std::to_string(childless.pid());
  const std::vector<std::pair<std::string, std::string>> table{
      {"", "subcommand"},
      {"frobnicate", "'frobnicate' is none of run, attach, inject, replay, echo (see"},
      {"injct --every 1s", "did you mean 'inject'?"},
      {"inject --parent 4711 --evry 1s", "no such option: --evry; did you mean '--every'?"},
      {"inject --every", "--every needs a value: TIME"},
      {"run a.yaml b.yaml", "unexpected argument: b.yaml"},
      {"inject", "either --every or --requests is required"},
      {"inject --every 1s", "--parent is required, or --admin"},
      {"inject --every 1s --admin 127.0.0.1:1", "127.0.0.1:1"},
      {"attach http://127.0.0.1:1/", "--parent is required, or --admin"},
      {"inject --parent 4711 --every 250x", "'250x' is not a duration"},
      {"inject --parent 1 --every 1s", "not a server"},
      {"inject --parent 4194999 --every 1s", "no such process"},
      {"inject --parent x --every 1s", "--parent: 'x' is no pid"},
      {"inject --parent --any-user --every 1s", "'--any-user' is no pid"},
      {"run /", "/: a directory, and no scenario"},
      {"inject --parent " + no_children + " --every 1s", "has no children"},
      {"inject --parent 4711 --every 1s --fault nuke", "none of kill, term, int"},
      {"inject --parent 4711 --every 1s --target busiest", "needs --admin"},
      {"inject --parent 4711 --every 1s --count 0", "--count: '0' is not a whole number from 1"},
      {"inject --parent 4711 --every 1s --seed -1", "--seed: '-1' is not a whole number from 0"},
      {"inject --parent 4711 --every 1s --min-alive 1.5", "--min-alive: '1.5' is not a whole number from 0"},
      {"run a.yaml --seed 18446744073709551616", "is not a whole number from 0"},
      {"inject --every 1s --dry-run", "--dry-run needs --count, or --every and --for"},
      {"inject --requests 9 --for 1s --dry-run", "--dry-run needs --count, or --every and --for"},
      {"attach --requests 9 --dry-run http://h/", "--dry-run cannot tell how many faults"},
      {"attach --parent 4711 --idle -1 h", "--idle: '-1' is not a whole number from 0"},
      {"echo --pipeline 0 127.0.0.1:1", "--pipeline: '0' is not a whole number from 1"},
      {"echo", "address is required"},
      {"echo nowhere", "not HOST:PORT"},
      {"echo --close-every 3 --half-close 127.0.0.1:1", "--close-every"},
      {"echo --times 3 127.0.0.1:1", "--burst"},
      {"echo --body-sizes 1,2 127.0.0.1:1", "needs a --path"},
      {"echo --flood pip 127.0.0.1:1", "did you mean 'pipe'?"},
      {"echo --chunked 2 127.0.0.1:1", "--chunked"},
  };
  for (const auto& [arguments, complaint] : table) {
    const auto finished = Harness(arguments);
    EXPECT_EQ(finished.exit_code, 2) << arguments << "\n" << finished.output;
    EXPECT_THAT(finished.output, HasSubstr(complaint)) << arguments;
    EXPECT_EQ(std::ranges::count(finished.output, '\n'), 1) << finished.output;
  }
}

TEST(CommandLineTest, APlanThatCannotBePrintedIsExitCode2) {
  const ScratchFile scenario;
  std::ofstream(scenario.path)
      << "name: x\nstart: { command: [none], url: 'http://127.0.0.1:1/' }\nload: [{ url: / }]\n"
         "faults: [{ fault: kill, target: any, every: 1s, from: 1s, to: 3s }]\n";
  EXPECT_EQ(Harness("run " + scenario.path + " --dry-run").exit_code, 0);
  EXPECT_EQ(Harness("run " + scenario.path + " --dry-run >/dev/full").exit_code, 2);
}

TEST(CommandLineTest, ADryRunPrintsTheFaultsOfItsSeed) {
  const std::string plan = "inject --every 1s --for 4s --jitter 0.5 --fault stop --hold 2s --dry-run";
  const auto inject = Harness(plan + " --seed 7");
  EXPECT_EQ(inject.exit_code, 0);
  EXPECT_EQ(std::ranges::count(inject.output, '\n'), 4);
  const auto first = support::ParseJson(inject.output.substr(0, inject.output.find('\n')));
  EXPECT_EQ(first.at("fault"), "stop");
  EXPECT_EQ(first.at("hold_ms"), 2000);
  EXPECT_EQ(Harness(plan + " --seed 7").output, inject.output);
  EXPECT_NE(Harness(plan + " --seed 8").output, inject.output);
  const auto attach = Harness("attach --every 1s --duration 5s --seed 7 --dry-run http://127.0.0.1:1/");
  EXPECT_EQ(attach.exit_code, 0);
  EXPECT_EQ(std::ranges::count(attach.output, '\n'), 4);
}

TEST(CommandLineTest, HelpShowsExamples) {
  for (const char* command : {"inject --help", "echo --help"}) {
    const auto finished = Harness(command);
    EXPECT_EQ(finished.exit_code, 0);
    EXPECT_THAT(finished.output, HasSubstr("Examples:"));
  }
}

TEST(CommandLineTest, UsageLinesNameTheProgramAndTheCommand) {
  EXPECT_THAT(Harness("--help").output, HasSubstr("Usage: harness [OPTIONS] SUBCOMMAND\n"));
  for (const std::string command : {"run", "attach", "inject", "replay", "echo"})
    EXPECT_THAT(Harness(command + " --help").output, HasSubstr("Usage: harness " + command + " [OPTIONS]"));
}

TEST(InjectCommandTest, KillsTheParentsForksAndJournalsEach) {
  const Family family;
  const ScratchFile journal;
  const auto finished =
      Harness(fmt::format("inject --parent {} --target all --every 1ms --count 1 --journal {}",
                          family.parent.pid(), journal.path));
  EXPECT_EQ(finished.exit_code, 0) << finished.output;
  EXPECT_THAT(finished.output, HasSubstr("2 sent, 2 landed"));
  ASSERT_THAT(journal.Lines(), SizeIs(2));
  EXPECT_EQ(journal.Lines()[0].at("outcome"), "dead");
  EXPECT_TRUE(journal.Lines()[0].contains("dead_us"));
}

TEST(InjectCommandTest, AnAdminEndpointKnowsTheParentAndOnlyItsWorkersAreHit) {
  const Family family;
  const auto children = ForksOf(family.parent.pid()).workers;
  ASSERT_THAT(children, SizeIs(2));
  const pid_t worker = children[0].identity.pid;
  const AdminEndpoint admin(StatusOf(family.parent.pid(), worker));
  const ScratchFile journal;
  const auto finished = Harness(fmt::format(
      "inject --target all --every 1ms --count 1 --admin {} --journal {}", admin.address, journal.path));
  EXPECT_EQ(finished.exit_code, 0) << finished.output;
  ASSERT_THAT(journal.Lines(), SizeIs(1));
  EXPECT_EQ(journal.Lines()[0].at("pid"), worker);
  EXPECT_EQ(journal.Lines()[0].at("slot"), 5);
  EXPECT_TRUE(IsAlive(children[1].identity.pid));
}

TEST(InjectCommandTest, AnotherPoolsAdminEndpointIsRefused) {
  const Family family;
  const AdminEndpoint admin(StatusOf(1234, 1235));
  const auto finished =
      Harness(fmt::format("inject --parent {} --every 1ms --admin {}", family.parent.pid(), admin.address));
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_THAT(finished.output, HasSubstr("of pid 1234"));
}

TEST(InjectCommandTest, WhereNothingLandsTheExitCodeIs1) {
  const Family family;
  const auto finished = Harness(fmt::format(
      "inject --parent {} --fault term --every 1ms --count 1 --dead-within 20ms", family.parent.pid()));
  EXPECT_EQ(finished.exit_code, 1) << finished.output;
  EXPECT_THAT(finished.output, HasSubstr("1 survived"));
}

TEST(EchoCommandTest, WhereNothingCouldBeSentTheExitCodeIs3) {
  const auto gone = sys::LocalAddress(sys::Listen("127.0.0.1:0").get());
  const ScratchFile json;
  const auto finished =
      Harness(fmt::format("echo --connections 1 --duration 20ms --json {} {}", json.path, gone));
  EXPECT_EQ(finished.exit_code, 3);
  std::ifstream file(json.path);
  EXPECT_EQ(nlohmann::json::parse(file).at("verdict"), "INVALID");
}

TEST(ResultsTest, OfAnEarlierRunDoNotOutliveOneThatIsRefused) {
  for (const char* refused : {"inject --parent 4194999 --every 1s", "run nosuch.yaml", "echo nowhere",
                              "attach --parent 4194999 http://127.0.0.1:1/"}) {
    const ScratchFile json;
    json.Write("old");
    EXPECT_EQ(Harness(fmt::format("{} --json {}", refused, json.path)).exit_code, 2) << refused;
    EXPECT_EQ(json.Text(), "") << refused;
  }
  const ScratchFile kept;
  kept.Write("old");
  Harness(fmt::format("run nosuch.yaml --dry-run --json {}", kept.path));
  Harness(fmt::format("run nosuch.yaml --summary {}", kept.path));
  EXPECT_EQ(kept.Text(), "old") << "nothing was to be written, or appended only";
}

TEST(ResultsTest, ThatCannotBeToldAreExitCode2AndTakeNoOtherReportWithThem) {
  const Family family;
  const AdminEndpoint server("{}");
  const ScratchFile junit;
  const auto finished = Shell(fmt::format(
      "{} attach --parent {} --no-faults --idle 0 --connections 1 --duration 100ms --junit {} --json "
      "- http://{}/ 2>&1 >/dev/full",
      kHarness, family.parent.pid(), junit.path, server.address));
  EXPECT_EQ(finished.exit_code, 2) << finished.output;
  EXPECT_THAT(finished.output, HasSubstr("harness: cannot write stdout: No space left on device\n"));
  EXPECT_THAT(junit.Text(), HasSubstr("</testsuites>"));
}

TEST(ResultsTest, AReaderThatHasLeftChangesNoVerdict) {
  const auto gone = sys::LocalAddress(sys::Listen("127.0.0.1:0").get());
  const auto finished = Shell(fmt::format(
      "{{ ({} echo --connections 1 --duration 20ms {}; echo rc=$? >&3) | true; }} 3>&1", kHarness, gone));
  EXPECT_THAT(finished.output, HasSubstr("rc=3\n"));
}

}  // namespace
}  // namespace hydrapool::harness
