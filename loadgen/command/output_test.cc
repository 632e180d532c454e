#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "loadgen/report/hdr_log.h"
#include "loadgen/testing/program.h"
#include "loadgen/testing/reserved_port.h"
#include "loadgen/testing/scripted_server.h"
#include "loadgen/testing/terminal.h"
#include "pool/testing/json.h"

/// What the binary writes, and when.
namespace hydrapool::loadgen {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

/// Of an open loop: 3 where this machine was too busy to keep the schedule.
const auto kRanOrTooBusy = ::testing::AnyOf(0, 3);

/// How many responses an interval log has.
std::uint64_t Responses(const HdrLog& log) {
  std::uint64_t n = 0;
  for (const auto& interval : log.intervals) {
    if (interval.tag.empty()) n += interval.histogram.Unpack().count();
  }
  return n;
}

TEST(OutputTest, EveryFileTellsOfEveryRequest) {
  const ScriptedServer server;
  const ScratchFile json("json");
  const ScratchFile csv("csv");
  const ScratchFile hlog("hlog");
  const ScratchFile hgrm("hgrm");
  Program program({"-n", "600", "-R", "500", "--json", json.path(), "--csv", csv.path(), "--hdr-log",
                   hlog.path(), "--hgrm", hgrm.path(), server.Url("/ok"), server.Url("/500")});
  EXPECT_THAT(program.Wait(), kRanOrTooBusy);
  const auto report = support::ParseJson(json.Read());
  EXPECT_EQ(report["workers"]["3"]["errors"], 300);
  EXPECT_EQ(report["phases_us"]["first_byte"]["count"], 600);
  std::uint64_t ended = 0;
  for (const auto& row : report["series"]["rows"]) {
    for (const auto& n : row["outcomes"]) ended += n.get<std::uint64_t>();
  }
  EXPECT_EQ(ended, 600u);
  EXPECT_GE(report["series"]["rows"].size(), 2u);
  const auto log = ParseHdrLog(hlog.Read());
  ASSERT_TRUE(log) << log.error().message;
  EXPECT_EQ(Responses(*log), 600u);
  EXPECT_THAT(hlog.Read(), HasSubstr("\nTag=worker-3,"));
  EXPECT_THAT(hgrm.Read(), HasSubstr("Total count    =          600"));
  EXPECT_THAT(csv.Read(), HasSubstr("\n0.000,1.000,"));
  EXPECT_THAT(csv.Read(), ContainsRegex("\n[0-9]+\\.000,0\\."));
}

TEST(OutputTest, TheHtmlReportShadesTheFaultsOfAJournal) {
  const ScriptedServer server;
  const ScratchFile html("html");
  const ScratchFile faults("faults");
  const auto now = std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
  faults.Write(R"({"unix_ms":)" + std::to_string(now) +
               R"(,"fault":"kill","pid":77,"dead_us":60000000,"outcome":"dead"})");
  Program program({"-q", "-n", "9", "--html", html.path(), "--faults", faults.path(), server.Url("/ok")});
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_NE(html.Read().find("kill (pid 77)"), std::string::npos);
  Program missing({"-q", "-n", "9", "--html", html.path(), "--faults", "/none", server.Url("/ok")});
  EXPECT_EQ(missing.Wait(), 1);
  EXPECT_EQ(missing.Err(), "loadgen: --faults: cannot read /none: No such file or directory\n");
}

TEST(OutputTest, FilesForCi) {
  const ScriptedServer server;
  const ScratchFile summary("summary");
  const ScratchFile junit("junit");
  Program program({"-q", "-n", "20", "--slo", "errors<=0", "p50<1us", "--summary", summary.path(), "--junit",
                   junit.path(), server.Url("/ok")});
  EXPECT_EQ(program.Wait(), 99);
  EXPECT_THAT(summary.Read(), HasSubstr("## loadgen: FAILED\n"));
  EXPECT_THAT(summary.Read(), HasSubstr("| ✅ | errors\\<=0 | 0 of 20 requests |"));
  EXPECT_THAT(junit.Read(), HasSubstr("tests=\"4\" failures=\"1\" errors=\"0\""));
}

TEST(OutputTest, ARunEndsWhenItsPercentileIsKnown) {
  const ScriptedServer server;
  Program program({"-q", "-c", "1", "-R", "300", "--until", "p50+-100%", "--json", "-", server.Url("/ok")});
  EXPECT_THAT(program.Wait(), kRanOrTooBusy);
  const auto report = support::ParseJson(program.Out());
  EXPECT_THAT(report["until"].get<std::string>(), ::testing::StartsWith("p50+-100%: ±"));
  EXPECT_LT(report["sending_s"].get<double>(), 600);
}

TEST(OutputTest, TwoOutputsCannotBeTheSame) {
  Program program({"--json", "-", "--csv", "-", "http://127.0.0.1/"});
  EXPECT_EQ(program.Wait(), 2);
  EXPECT_EQ(program.Err(), "loadgen: --json and --csv cannot both be written to -\n");
}

TEST(OutputTest, AFullDiskIsSaidAndIsCode1) {
  const ScriptedServer server;
  const ScratchFile csv("csv");
  Program program({"-q", "-n", "5", "--json", "/dev/full", "--csv", csv.path(), server.Url("/ok")});
  EXPECT_EQ(program.Wait(), 1);
  EXPECT_EQ(program.Err(), "loadgen: --json: cannot write /dev/full: No space left on device\n");
  EXPECT_THAT(csv.Read(), HasSubstr("begin_s")) << "the others are written nevertheless";
}

TEST(OutputTest, AJournalOnAFullDiskIsSaidAndIsCode1) {
  const ScriptedServer server;
  Program program({"-q", "-n", "5", "--journal", "/dev/full", server.Url("/reset-before")});
  EXPECT_EQ(program.Wait(), 1);
  EXPECT_EQ(program.Err(), "loadgen: cannot write the journal /dev/full: No space left on device\n");
}

TEST(OutputTest, AReportThatCannotBePrintedIsCode1) {
  const ScriptedServer server;
  const ScratchFile csv("csv");
  const ScratchFile err("err");
  const auto run = [&](const std::string& arguments, const char* out = "/dev/full") {
    return std::system((HYDRAPOOL_BIN_DIR "/loadgen " + arguments + " 2>" + err.path() + " >" + out).c_str());
  };
  EXPECT_EQ(run("-q -n 5 --csv " + csv.path() + " " + server.Url("/ok")), 1 << 8);
  EXPECT_EQ(err.Read(), "loadgen: cannot write the report: No space left on device\n");
  EXPECT_THAT(csv.Read(), HasSubstr("begin_s")) << "the files are written nevertheless";
  EXPECT_EQ(run("-q -n 5 --csv " + csv.path() + " " + server.Url("/ok"), "&-"), 1 << 8);
  EXPECT_THAT(csv.Read(), ::testing::StartsWith("begin_s")) << "a closed stream's number is no file's";
  EXPECT_EQ(run("search --slo 'p99<1h' -q -d 20ms -R 1000 -n 5 " + server.Url("/ok")), 2 << 8)
      << "-n is not for it";
}

TEST(OutputTest, AnAbortConditionEndsTheRun) {
  const ScriptedServer server;
  Program program({"-R", "100", "-d", "10m", "--abort-on", "errors>5%", "--quiet", server.Url("/500")});
  EXPECT_EQ(program.Wait(), 4);
  EXPECT_THAT(program.Out(), ContainsRegex("ABORTED    errors>5% after [0-9]+ s: 100 %"));
  Program wrong({"--abort-on", "errors", "http://127.0.0.1/"});
  EXPECT_EQ(wrong.Wait(), 2);
  EXPECT_THAT(wrong.Err(), HasSubstr("--abort-on 'errors' is not an objective"));
}

TEST(OutputTest, AnInterruptWritesEveryFile) {
  const ScriptedServer server;
  const ScratchFile json("json");
  const ScratchFile hlog("hlog");
  Program program(
      {"-R", "500", "-d", "10m", "--json", json.path(), "--hdr-log", hlog.path(), server.Url("/ok")});
  while (server.Received("/ok") < 10) std::this_thread::yield();
  program.Signal(SIGINT);
  EXPECT_THAT(program.Wait(), kRanOrTooBusy);
  const auto report = support::ParseJson(json.Read());
  EXPECT_EQ(report["stopped"], true);
  const auto log = ParseHdrLog(hlog.Read());
  ASSERT_TRUE(log);
  EXPECT_EQ(Responses(*log), report["requests"]["sent"]);
}

TEST(OutputTest, NoSecretIsShownAnywhere) {
  const ScriptedServer server;
  const ScratchFile json("json");
  const ScratchFile html("html");
  const ScratchFile journal("journal");
  auto url = server.Url("/500");
  url.insert(url.find("://") + 3, "ann:sesame@");
  Program program({"-d", "10m", "-R", "100", "-u", "bob:sesame", "-H", "Cookie: id=sesame", "--json",
                   json.path(), "--html", html.path(), "--journal", journal.path(), url});
  while (server.Received("/500") < 10) std::this_thread::yield();
  EXPECT_THAT(ReadFile("/proc/" + std::to_string(program.pid()) + "/cmdline"), Not(HasSubstr("sesame")));
  program.Signal(SIGINT);
  EXPECT_THAT(program.Wait(), kRanOrTooBusy);
  EXPECT_THAT(server.LastRequest(), HasSubstr("Authorization: Basic YW5uOnNlc2FtZQ==\r\n"))
      << "the URL's own";
  EXPECT_THAT(server.LastRequest(), HasSubstr("Cookie: id=sesame"));
  for (const auto& shown : {program.Out(), program.Err(), json.Read(), journal.Read()}) {
    EXPECT_THAT(shown, Not(HasSubstr("sesame")));
    EXPECT_THAT(shown, Not(HasSubstr("YW5uOnNlc2FtZQ")));
  }
  EXPECT_EQ(html.Read().find("sesame"), std::string::npos);
  EXPECT_THAT(journal.Read(), HasSubstr("bad_status"));
  Program wrong({"http://ann:sesame@h:x/"});
  EXPECT_EQ(wrong.Wait(), 2);
  EXPECT_THAT(wrong.Err(), Not(HasSubstr("sesame")));
}

/// Fetches the metrics until they have that series.
void FetchMetrics(const std::string& address, const std::string& series, const ScratchFile& page) {
  const auto fetch = "curl -s --noproxy '*' -o " + page.path() + " http://" + address + "/metrics";
  const auto answered = [&] {
    return std::system(fetch.c_str()) == 0 && page.Read().find(series) != std::string::npos;
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!answered() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  if (std::system("command -v promtool >/dev/null 2>&1") == 0) {
    EXPECT_EQ(std::system(("promtool check metrics >/dev/null < " + page.path()).c_str()), 0);
  }
}

TEST(OutputTest, MetricsOfManyUrlsAreBounded) {
  const ScriptedServer server;
  const ScratchFile page("page");
  const ReservedPort port;
  const auto address = "127.0.0.1:" + port.text();
  std::vector<std::string> arguments{"-q", "-R", "200", "-d", "10m", "--metrics", address};
  for (int i = 0; i < 40; ++i) arguments.push_back(server.Url("/500"));
  Program program(arguments);
  FetchMetrics(address, "loadgen_target_errors_total{target=\"others\",outcome=\"bad_status\"}", page);
  program.Signal(SIGINT);
  EXPECT_THAT(program.Wait(), kRanOrTooBusy);
  const auto text = page.Read();
  EXPECT_THAT(text, HasSubstr("loadgen_target_errors_total{target=\"others\",outcome=\"bad_status\"}"));
  EXPECT_THAT(text, HasSubstr("\nloadgen_other_targets 8\n"));
  const auto series = "\nloadgen_target_requests_total{target=\"" + server.Url("/500") + "\",result=\"ok\"}";
  EXPECT_THAT(text,
              HasSubstr("\nloadgen_target_phase_seconds_count{target=\"others\",phase=\"first_byte\"} "));
  EXPECT_NE(text.find(series), text.npos);
  EXPECT_EQ(text.find(series), text.rfind(series)) << "a series twice is an error to Prometheus";
}

TEST(OutputTest, MetricsAreServedWhileItRuns) {
  const ScriptedServer server;
  const ScratchFile page("page");
  const ReservedPort port;
  const auto address = "127.0.0.1:" + port.text();
  Program program({"-q", "-R", "200", "-d", "10m", "--metrics", address, server.Url("/ok")});
  FetchMetrics(address, "loadgen_worker_requests_total{worker=\"3\"}", page);
  program.Signal(SIGINT);
  EXPECT_THAT(program.Wait(), kRanOrTooBusy);
  EXPECT_THAT(page.Read(), HasSubstr("loadgen_requests_total{outcome=\"timeout_body\"} 0\n"));
  EXPECT_THAT(page.Read(), HasSubstr("loadgen_response_seconds_bucket{le=\"+Inf\"}"));
  EXPECT_THAT(page.Read(), HasSubstr("# TYPE loadgen_in_flight gauge"));
  Program wrong({"--metrics", "nowhere", server.Url("/ok")});
  EXPECT_EQ(wrong.Wait(), 2);
  EXPECT_THAT(wrong.Err(), HasSubstr("--metrics 'nowhere' is not HOST:PORT"));
}

TEST(OutputTest, AWaitForTheStartIsSaid) {
  const ScriptedServer server;
  Program program({"-R", "100", "-d", "10m", "--warmup", "5000s", server.Url("/ok")});
  while (program.Err().empty()) std::this_thread::yield();
  program.Signal(SIGINT);
  program.Wait();
  EXPECT_THAT(program.Err(), ContainsRegex("^warming up: counts in (5000|4[0-9]+) s\n"));
}

TEST(OutputTest, OnATerminalTheScreenChangesInPlaceAndGoesAway) {
  ::setenv("TERM", "xterm", 1);
  ::setenv("NO_COLOR", "1", 1);
  const ScriptedServer server;
  const Terminal terminal;
  Program program({"-R", "100", "-d", "10m", server.Url("/500")}, {.err = terminal.path()});
  std::string screen;
  while (screen.find("workers   3") == std::string::npos) screen += terminal.Read();
  program.Signal(SIGINT);
  EXPECT_THAT(program.Wait(), kRanOrTooBusy);
  screen += terminal.Read();
  EXPECT_THAT(screen, HasSubstr("(raw engine, open loop, 100 requests/s"));
  EXPECT_THAT(screen, HasSubstr("bad_status"));
  EXPECT_THAT(screen, ::testing::EndsWith("A\r\x1b[J")) << "it is taken away";
  EXPECT_EQ(screen.find("\x1b[31m"), std::string::npos) << "NO_COLOR";
  EXPECT_THAT(program.Out(), HasSubstr("\nrequests   "));
}

}  // namespace
}  // namespace hydrapool::loadgen
