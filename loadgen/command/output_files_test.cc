#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "loadgen/testing/program.h"
#include "loadgen/testing/scripted_server.h"
#include "pool/testing/json.h"

/// What becomes of the files that a run, or another command, is to write.
namespace hydrapool::loadgen {
namespace {

TEST(OutputFilesTest, OneFileIsNotTwoOutputsWhateverItIsCalled) {
  const ScratchFile file("file");
  file.Write("kept\n");
  const auto slash = file.path().rfind('/');
  const auto other = file.path().substr(0, slash) + "/." + file.path().substr(slash);
  const auto refused = [&](std::vector<std::string> flags, const Streams& streams = {}) {
    flags.emplace_back("http://127.0.0.1:1/");
    Program program(flags, streams);
    EXPECT_EQ(program.Wait(), 2);
    return program.Err();
  };
  EXPECT_EQ(refused({"--faults", file.path(), "--html", other}),
            "loadgen: --html would overwrite " + other + ", which is read as --faults\n");
  EXPECT_EQ(refused({"--faults", file.path(), "--html", "/dev/null", "--journal", other}),
            "loadgen: --journal would overwrite " + other + ", which is read as --faults\n");
  EXPECT_EQ(refused({"--data", "@" + file.path(), "--json", other}),
            "loadgen: --json would overwrite " + other + ", which is read as --data\n");
  EXPECT_EQ(file.Read(), "kept\n");
  EXPECT_EQ(refused({"--json", file.path(), "--journal", file.path()}),
            "loadgen: --journal and --json cannot both be written to " + file.path() + "\n");
  EXPECT_EQ(refused({"--json", file.path(), "--html", other}),
            "loadgen: --json and --html cannot both be written to " + other + "\n");
  EXPECT_EQ(refused({"--json", file.path()}, {.out = file.path()}),
            "loadgen: standard output and --json cannot both be written to " + file.path() + "\n");
  Program devices({"--dry-run", "http://127.0.0.1/"}, {.out = "/dev/null"});
  EXPECT_EQ(devices.Wait(), 0);
  const ScriptedServer server;
  Program nowhere({"-q", "-n", "5", "--json", "/dev/null", "--csv", "/dev/null", server.Url("/ok")});
  EXPECT_EQ(nowhere.Wait(), 0) << "in a device nothing is destroyed";
}

TEST(OutputFilesTest, WhatIsRefusedEmptiesNoFile) {
  const ScratchFile json("json");
  const ScratchFile journal("journal");
  const ScriptedServer server;
  const auto kept = [&](const std::vector<std::string>& command) {
    json.Write("kept\n");
    journal.Write("kept\n");
    Program program(command);
    EXPECT_EQ(program.Wait(), 2);
    EXPECT_EQ(json.Read() + journal.Read(), "kept\nkept\n") << program.Err();
  };
  const auto url = server.Url("/ok");
  kept({"-n", "1", "--json", json.path(), "--csv", "/none/csv", url});
  kept({"-n", "1", "--json", json.path(), "--journal", journal.path(), "--html", json.path(), url});
  kept({"-n", "1", "--json", json.path(), "--journal", journal.path(), "--metrics",
        "127.0.0.1:" + std::to_string(server.port()), url});
  kept({"search", "--slo", "p99<1s", "--json", json.path(), "--html", "/none/html", url});
  Program run({"-q", "-n", "2", "--json", json.path(), "--journal", journal.path(), server.Url("/500")});
  EXPECT_EQ(run.Wait(), 0);
  EXPECT_EQ(support::ParseJson(json.Read())["requests"]["sent"], 2) << "emptied";
  EXPECT_THAT(journal.Read(), ::testing::StartsWith("{\"t_ms\""));
}

TEST(OutputFilesTest, TheFilesAreThereBeforeSomebodyReadsTheText) {
  const ScriptedServer server;
  const ScratchFile json("json");
  const NamedPipe nobody_reads;
  nobody_reads.Fill();
  Program program({"-q", "-n", "5", "--json", json.path(), server.Url("/ok")}, {.out = nobody_reads.path()});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!json.Read().ends_with("}\n") && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  while (!program.Ended()) {  // as it can be where its text is not read
    program.Signal(SIGINT);
    std::this_thread::yield();
  }
  EXPECT_EQ(support::ParseJson(json.Read())["requests"]["ok"], 5);
}

TEST(OutputFilesTest, AnInterruptWhileTheFilesAreWrittenLeavesThemWhole) {
  const ScriptedServer server;
  const NamedPipe json;
  Program program({"-q", "-n", "5", "--json", json.path(), server.Url("/ok")});
  json.AwaitText();
  program.Signal(SIGINT);
  EXPECT_EQ(support::ParseJson(json.Read())["requests"]["ok"], 5);
  EXPECT_EQ(program.Wait(), 0);
}

}  // namespace
}  // namespace hydrapool::loadgen
