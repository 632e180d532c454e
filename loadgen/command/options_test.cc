#include "loadgen/command/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <vector>

#include "loadgen/report/terminal_text.h"
#include "pool/sys/scratch_dir.h"

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;
using sys::kSecond;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

CommandLine Parse(std::vector<const char*> args, int cores = 2) {
  args.insert(args.begin(), "loadgen");
  return ParseCommandLine(static_cast<int>(args.size()), args.data(), cores);
}

Options Understood(std::vector<const char*> args) {
  auto line = Parse(std::move(args));
  if (const auto* error = std::get_if<sys::Error>(&line)) ADD_FAILURE() << error->message;
  return std::get<Options>(line);
}

std::string Complaint(std::vector<const char*> args) {
  const auto line = Parse(std::move(args));
  const auto* error = std::get_if<sys::Error>(&line);
  return error != nullptr ? error->message : "no complaint";
}

TEST(OptionsTest, AUrlIsEnough) {
  const auto options = Understood({"http://127.0.0.1:8080/"});
  EXPECT_THAT(UrlsOf(options.plan), ElementsAre("http://127.0.0.1:8080/"));
  EXPECT_EQ(options.plan.connections, 10);
  EXPECT_EQ(options.plan.threads, 2);
  EXPECT_EQ(options.plan.arrivals.duration, 10 * kSecond);
  EXPECT_EQ(options.plan.wire.timeout, 10 * kSecond);
  EXPECT_FALSE(options.plan.arrivals.rate);
  EXPECT_FALSE(options.plan.arrivals.count);
  EXPECT_EQ(options.plan.targets[0].method, "GET");
  EXPECT_EQ(options.plan.worker_header, "X-Worker");
}

TEST(OptionsTest, EverythingAtOnce) {
  const auto options = Understood({"--engine",  "curl",
                                   "-c",        "64",
                                   "-t",        "3",
                                   "-R",        "2000/s",
                                   "-d",        "1500ms",
                                   "--timeout", "250ms",
                                   "--json",    "-",
                                   "-H",        "A: b",
                                   "-H",        "C: d",
                                   "-m",        "PUT",
                                   "--data",    "body",
                                   "-q",        "--connection",
                                   "close",     "--worker-header",
                                   "X-W",       "--journal",
                                   "lost.json", "a:1/x",
                                   "https://b/"});
  EXPECT_THAT(UrlsOf(options.plan), ElementsAre("http://a:1/x", "https://b/"));
  EXPECT_THAT(options.plan.targets[0].headers, ElementsAre("A: b", "C: d"));
  EXPECT_EQ(options.plan.connections, 64);
  EXPECT_EQ(options.plan.threads, 3);
  EXPECT_EQ(options.plan.arrivals.rate, 2000);
  EXPECT_EQ(options.plan.arrivals.duration, 1500 * kMillisecond);
  EXPECT_EQ(options.plan.wire.timeout, 250 * kMillisecond);
  EXPECT_EQ(options.plan.wire.drain, 250 * kMillisecond);
  EXPECT_EQ(options.plan.targets[0].method, "PUT");
  EXPECT_EQ(options.plan.targets[0].body, "body");
  EXPECT_FALSE(options.plan.wire.keep_alive);
  EXPECT_EQ(options.plan.worker_header, "X-W");
  EXPECT_EQ(options.outputs.json, "-");
  EXPECT_EQ(options.outputs.journal, "lost.json");
  EXPECT_TRUE(options.outputs.quiet);
}

TEST(OptionsTest, ABodyMakesItAPostAndAPostHasABody) {
  EXPECT_EQ(Understood({"--data", "x=1", "h"}).plan.targets[0].method, "POST");
  EXPECT_EQ(Understood({"-m", "POST", "h"}).plan.targets[0].body, "");
  EXPECT_FALSE(Understood({"-m", "DELETE", "h"}).plan.targets[0].body);
}

TEST(OptionsTest, TheBodyMayComeFromAFile) {
  const sys::ScratchDir scratch("loadgen-options");
  const auto path = scratch / "body";
  const std::string content("a\0b\n", 4);
  std::ofstream(path, std::ios::binary) << content;
  EXPECT_EQ(Understood({"--data", ("@" + path).c_str(), "h"}).plan.targets[0].body, content);
  std::ofstream(path, std::ios::trunc).close();
  EXPECT_EQ(Understood({"--data", ("@" + path).c_str(), "h"}).plan.targets[0].body, "");
  EXPECT_THAT(Complaint({"--data", "@/no/such/file", "h"}), HasSubstr("/no/such/file: No such file"));
  EXPECT_THAT(Complaint({"--data", "@/tmp", "h"}), HasSubstr("cannot read /tmp"));
}

TEST(OptionsTest, FewConnectionsNeedFewThreads) {
  EXPECT_EQ(Understood({"-c", "1", "h"}).plan.threads, 1);
  EXPECT_THAT(Complaint({"-c", "1", "-t", "2", "h"}), HasSubstr("-t 2"));
}

TEST(OptionsTest, ARampIsATimeOrARateOfConnections) {
  EXPECT_EQ(Understood({"--ramp", "30s", "-d", "30s", "h"}).plan.arrivals.ramp, 30 * kSecond);
  EXPECT_EQ(Understood({"--ramp", "200/s", "-c", "1000", "h"}).plan.arrivals.ramp, 5 * kSecond);
  EXPECT_EQ(Understood({"--ramp", "200/s", "-c", "1000", "--replica", "1/2", "h"}).plan.arrivals.ramp,
            5 * kSecond);
  EXPECT_EQ(Understood({"--ramp", "30s", "-n", "5", "h"}).plan.arrivals.ramp, 30 * kSecond);
  EXPECT_THAT(Complaint({"--ramp", "30s", "-d", "20s", "h"}),
              HasSubstr("--ramp 30s ends after the run: not all of -c 10 would be made"));
  EXPECT_THAT(Complaint({"--ramp", "1/s", "-c", "11", "h"}), HasSubstr("--ramp 1/s ends after the run"));
  EXPECT_THAT(Complaint({"--unix-socket", std::string(108, 'x').c_str(), "h"}),
              HasSubstr("at most 107 bytes"));
  EXPECT_THAT(Complaint({"--ramp", "0/s", "h"}), HasSubstr("--ramp '0/s' is not a rate"));
  EXPECT_THAT(Complaint({"--ramp", "x", "h"}), HasSubstr("--ramp 'x' is not a duration"));
}

TEST(OptionsTest, AByteRateMayHaveAUnit) {
  EXPECT_EQ(Understood({"h"}).plan.wire.extras.limit_rate, 0u);
  EXPECT_EQ(Understood({"--limit-rate", "64k", "h"}).plan.wire.extras.limit_rate, 65536u);
  EXPECT_EQ(Understood({"--limit-rate", "500", "h"}).plan.wire.extras.limit_rate, 500u);
  EXPECT_THAT(Complaint({"--limit-rate", "fast", "h"}), HasSubstr("--limit-rate"));
  EXPECT_THAT(Complaint({"--limit-rate", "-1", "h"}), HasSubstr("--limit-rate"));
}

TEST(OptionsTest, WhatIsWrongIsSaidInOneLine) {
  EXPECT_THAT(Complaint({}), HasSubstr("URL"));
  EXPECT_THAT(Complaint({"-R", "fast", "h"}), HasSubstr("-R 'fast' is not a rate"));
  EXPECT_THAT(Complaint({"-d", "0s", "h"}), HasSubstr("-d '0s' is not a duration"));
  EXPECT_THAT(Complaint({"--timeout", "-1s", "h"}), HasSubstr("--timeout '-1s' is not a duration"));
  EXPECT_THAT(Complaint({"-R", "http://h/"}), HasSubstr("-R 'http://h/' is not a rate"));
  EXPECT_THAT(Complaint({"--stages", "5:1x", "h"}), HasSubstr("--stages: '1x' is not a duration"));
  EXPECT_THAT(Complaint({"-c", "0", "h"}), HasSubstr("0"));
  EXPECT_THAT(Complaint({"-n", "5", "-d", "1s", "h"}), HasSubstr("excludes"));
  EXPECT_THAT(Complaint({"-n", "0", "h"}), HasSubstr("0"));
  EXPECT_THAT(Complaint({"--seed", "-1", "h"}), HasSubstr("--seed: '-1' is not a whole number from 0"));
  EXPECT_THAT(Complaint({"--expect-length", "-1", "h"}), HasSubstr("--expect-length: '-1' is not a whole"));
  EXPECT_THAT(Complaint({"http:///h"}), HasSubstr("'http:///h' is not a URL: it has no host"));
  EXPECT_THAT(Complaint({"--engine", "steam", "h"}), HasSubstr("steam"));
  EXPECT_THAT(Complaint({"--connection", "maybe", "h"}), HasSubstr("maybe"));
  EXPECT_THAT(Complaint({"-H", "no colon", "h"}), HasSubstr("'no colon' is not a header"));
  EXPECT_THAT(Complaint({"-m", "G T", "h"}), HasSubstr("'G T' is not a method"));
  EXPECT_THAT(Complaint({"ftp://h/"}), HasSubstr("only http and https"));
  EXPECT_THAT(Complaint({"http://h:99999/"}), HasSubstr("is not a URL"));
  EXPECT_THAT(Complaint({"--no-such-flag", "h"}), HasSubstr("--no-such-flag"));
  EXPECT_EQ(Complaint({"--no-such-flag", "h"}).find('\n'), std::string::npos);
}

TEST(OptionsTest, TargetsArrivalAndObjectives) {
  const auto options =
      Understood({"--target", "a rate=9", "--target", "b rate=1", "--arrival", "poisson", "--seed", "7",
                  "--slo", "p99<50ms", "--slo", "rps>9", "--expect-status", "200,204"});
  EXPECT_EQ(options.plan.arrivals.rate, 10);
  EXPECT_TRUE(options.plan.arrivals.poisson);
  EXPECT_EQ(options.plan.seed, 7u);
  EXPECT_EQ(options.outputs.slos.size(), 2u);
  EXPECT_THAT(options.plan.expect.status, ElementsAre(200, 204));
  EXPECT_THAT(UrlsOf(Understood({"--expect-status", "404", "http://h/"}).plan), ElementsAre("http://h/"));
  EXPECT_THAT(Complaint({"--arrival", "poisson", "a"}), HasSubstr("needs a rate"));
  EXPECT_THAT(Complaint({"-R", "5", "--target", "a rate=9"}), HasSubstr("exclude each other"));
  EXPECT_THAT(Complaint({"--slo", "p99", "a"}), HasSubstr("not an objective"));
}

TEST(OptionsTest, StagesWarmUpStartAndReplica) {
  const auto options = Understood({"--stages", "100:10s,100:20s", "--warmup", "10s", "--start-at",
                                   "1795359845", "--replica", "2/4", "-c", "10", "--saturate", "drop", "a"});
  EXPECT_EQ(options.plan.arrivals.stages.size(), 2u);
  EXPECT_DOUBLE_EQ(*options.plan.arrivals.rate, 2500.0 / 30);
  EXPECT_EQ(options.plan.arrivals.warmup, 10 * kSecond);
  EXPECT_EQ(options.plan.arrivals.duration, 20 * kSecond);
  EXPECT_EQ(options.plan.arrivals.start_at, 1'795'359'845 * kSecond);
  EXPECT_EQ(options.plan.replica.index, 1);
  EXPECT_EQ(options.plan.connections, 3);
  EXPECT_EQ(options.plan.arrivals.saturate, Saturate::kDrop);
  EXPECT_THAT(Complaint({"--stages", "5:1s", "-R", "5", "a"}), HasSubstr("excludes"));
  EXPECT_THAT(Complaint({"--stages", "5:1s", "-n", "5", "a"}), HasSubstr("excludes"));
  EXPECT_THAT(Complaint({"--stages", "5:1s", "--warmup", "1s", "a"}), HasSubstr("leaves nothing"));
  EXPECT_THAT(Complaint({"--saturate", "drop", "a"}), HasSubstr("needs a rate"));
  EXPECT_THAT(Complaint({"--replica", "4/3", "a"}), HasSubstr("not a replica"));
  EXPECT_THAT(Complaint({"--replica", "1/3", "-c", "2", "--replica", "3/3", "a"}), HasSubstr("--replica"));
  EXPECT_THAT(Complaint({"--replica", "3/3", "-c", "2", "a"}), HasSubstr("leaves none"));
  EXPECT_THAT(Complaint({"--start-at", "soon", "a"}), HasSubstr("'soon' is not a time"));
}

TEST(OptionsTest, AnEmptyValueIsNoOptionLeftOut) {
  for (const char* flag : {"-R", "-d", "-m", "-H", "--json", "--slo", "--until", "--stages", "--ramp", "-x",
                           "-u", "--unix-socket", "--session-file", "--request-file", "--replay", "--summary",
                           "--bind", "--start-at", "--expect-end"}) {
    EXPECT_THAT(Complaint({flag, "", "h"}), HasSubstr("'' is empty: leave it out, or give ")) << flag;
  }
  EXPECT_EQ(Complaint({"-R", "", "h"}), "--rate '' is empty: leave it out, or give RATE");
  EXPECT_THAT(Complaint({""}), HasSubstr("URL is empty (''): it is to be http:// or https://"));
  EXPECT_THAT(Complaint({"h", ""}), HasSubstr("one of URL is empty"));
  EXPECT_EQ(Understood({"--data", "", "h"}).plan.targets[0].body, "");
  EXPECT_EQ(Understood({"--worker-header", "", "h"}).plan.worker_header, "");
}

TEST(OptionsTest, AProxyIsOneThatCanBeUsed) {
  for (const char* proxy : {"http://p:1", "https://p", "socks5h://u:w@p:9", "p:8080", "[::1]:3128"})
    EXPECT_EQ(Understood({"-x", proxy, "http://h/"}).plan.wire.extras.proxy, proxy);
  EXPECT_EQ(Complaint({"-x", "foo://h", "http://h/"}),
            "-x 'foo://h' is not a proxy: these are http, https, socks4, socks4a, socks5, socks5h");
  EXPECT_THAT(Complaint({"-x", "http://h:99999", "http://h/"}), HasSubstr("is not a proxy: "));
  EXPECT_THAT(Complaint({"-x", "u:secret@h:x", "http://h/"}), Not(HasSubstr("secret")));
}

TEST(OptionsTest, ConnectionsExtrasAndExpectations) {
  const std::string sum(64, 'A');
  const auto options =
      Understood({"--connection", "reuse:5", "--http2", "-L", "-k", "--cookies", "-u", "a:b", "-x",
                  "http://p:1", "--expect-sha256", sum.c_str(), "--expect-end", "bye", "https://a/"});
  EXPECT_TRUE(options.plan.wire.keep_alive);
  EXPECT_EQ(options.plan.wire.reuse, 5u);
  EXPECT_TRUE(options.plan.wire.extras.http2 && options.plan.wire.extras.follow &&
              options.plan.wire.extras.insecure);
  EXPECT_EQ(options.plan.wire.extras.user, "a:b");
  EXPECT_EQ(options.plan.wire.extras.proxy, "http://p:1");
  EXPECT_EQ(options.plan.expect.sha256, std::string(64, 'a'));
  EXPECT_EQ(options.plan.expect.end, "bye");
  EXPECT_EQ(Understood({"--http2", "--streams", "10", "http://a/"}).plan.wire.streams, 10);
  EXPECT_THAT(Complaint({"--streams", "10", "http://a/"}), HasSubstr("--http2"));
  EXPECT_THAT(Complaint({"--connection", "reuse:0", "a"}), HasSubstr("not keepalive, close or reuse:N"));
  EXPECT_THAT(Complaint({"--expect-sha256", "abc", "a"}), HasSubstr("64 hexadecimal digits"));
  EXPECT_THAT(Complaint({"--request-file", "f", "a", "b"}), HasSubstr("takes one URL"));
  EXPECT_THAT(Complaint({"--request-file", "f", "--data", "x"}), HasSubstr("excludes"));
  EXPECT_THAT(Complaint({"a/{line:/no/such/file}"}), HasSubstr("cannot read /no/such/file"));
}

TEST(OptionsTest, ObjectivesMayFollowOneFlag) {
  const auto options = Understood({"--slo", "p99<50ms", "errors<0.1%", "rps>9", "--abort-on=errors>5%",
                                   "max>1s", "-c", "3", "http://h/?a=<b>"});
  EXPECT_EQ(options.outputs.slos.size(), 3u);
  EXPECT_EQ(options.outputs.abort_on.size(), 2u);
  EXPECT_EQ(options.plan.targets.size(), 1u);
  EXPECT_THAT(Complaint({"--slo", "p99<50ms", "speed<1", "h"}), HasSubstr("'speed<1' is not an objective"));
  EXPECT_THAT(Complaint({"--slo", "p99<50ms", "h", "p99<50ms"}), HasSubstr("is not a URL"));
}

TEST(OptionsTest, ARequestFileMayBelongToAUrl) {
  const sys::ScratchDir scratch("loadgen-options");
  const auto path = scratch / "requests";
  std::ofstream(path) << "/a\nPOST b\n";
  EXPECT_THAT(UrlsOf(Understood({"--request-file", path.c_str(), "http://h:81/x/"}).plan),
              ElementsAre("http://h:81/a", "http://h:81/x/b"));
}

TEST(OptionsTest, CertificatesAreReadableAndAPlaceToConnectToIsOne) {
  EXPECT_THAT(Complaint({"--cacert", "/none", "https://h/"}), HasSubstr("--cacert: cannot read /none"));
  EXPECT_THAT(Complaint({"--key", "/dev/null", "https://h/"}), HasSubstr("--cert"));
  EXPECT_THAT(Complaint({"--cacert", "/dev/null", "https://h/"}),
              HasSubstr("--cacert: /dev/null is of no use"));
  EXPECT_THAT(Complaint({"--cert", "/dev/null", "https://h/"}), HasSubstr("--cert: /dev/null is of no use"));
  EXPECT_THAT(Complaint({"--connect-to", "h", "https://h/"}), HasSubstr("'h' is not HOST:PORT"));
  EXPECT_EQ(Understood({"--connect-to", "[::1]:1", "https://h/"}).plan.wire.connect_to, "[::1]:1");
}

TEST(OptionsTest, UntilTakesTenMinutesAtMost) {
  const auto options = Understood({"--until", "p99±5%", "http://h/"});
  EXPECT_EQ(options.outputs.until->share, 0.05);
  EXPECT_EQ(options.plan.arrivals.duration, 600 * sys::kSecond);
  EXPECT_EQ(Understood({"--until", "p99±5%", "-d", "1m30s", "http://h/"}).plan.arrivals.duration,
            90 * sys::kSecond);
  EXPECT_THAT(Complaint({"--until", "p99<5ms", "http://h/"}), HasSubstr("is not like p99±5%"));
}

TEST(OptionsTest, HelpBeginsWithExamplesAndFitsEightyColumns) {
  const auto line = Parse({"--help"});
  const auto& text = std::get<std::string>(line);
  EXPECT_LT(text.find("  loadgen http://127.0.0.1:8080/"), text.find("--connections"));
  EXPECT_LT(text.find("--version"), text.find("Exit codes:"));
  EXPECT_THAT(text, HasSubstr("\n  -c, --connections N        connections; with -R"));
  EXPECT_THAT(text, HasSubstr("(default: 10s)\n"));
  std::istringstream lines(text);
  for (std::string each; std::getline(lines, each);) EXPECT_LE(Columns(each), 80u) << each;
  EXPECT_THAT(std::get<std::string>(Parse({"--version"})), HasSubstr("loadgen"));
}

}  // namespace
}  // namespace hydrapool::loadgen
