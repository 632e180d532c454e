#include "loadgen/command/other_tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "loadgen/command/options.h"

namespace hydrapool::loadgen {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Complaint(std::vector<const char*> args) {
  args.insert(args.begin(), "loadgen");
  const auto line = ParseCommandLine(static_cast<int>(args.size()), args.data(), 2);
  const auto* error = std::get_if<sys::Error>(&line);
  return error != nullptr ? error->message : "no complaint";
}

TEST(OtherToolsTest, FirstMistakesAreUnderstood) {
  const struct {
    std::vector<const char*> args;
    const char* hint;
  } mistakes[] = {
      {{"-q", "50", "http://h/"}, "; -q is --quiet here; did you mean -R 50?"},
      {{"-z", "10s", "http://h/"}, "did you mean -d 10s?"},
      {{"-d", "a=b", "http://h/"}, "did you mean --data 'a=b'?"},
      {{"-T", "text/plain", "http://h/"}, "did you mean -H 'Content-Type: text/plain'?"},
      {{"-t2", "-c100", "-s", "post.lua", "http://h/"}, "there are no scripts here"},
      {{"--latency", "http://h/"}, "the report always has"},
      {{"run", "x.js"}, "k6's scripts do not run here"},
      {{"--vus=10", "http://h/"}, "did you mean -c 10?"},
      {{"--vus", "10", "--duration", "30s", "http://h/"}, "did you mean -c 10?"},
      {{"attack", "-rate=50"}, "'attack' is vegeta's"},
      {{"-rate=50", "http://h/"}, "did you mean --rate=50?"},
      {{"-duration=5s", "http://h/"}, "did you mean --duration=5s?"},
      {{"-p", "f", "-T", "a/b", "http://h/"}, "did you mean --data @f?"},
      {{"-X", "POST", "http://h/"}, "did you mean -m POST?"},
      {{"-X", "proxy:8080", "http://h/"}, "did you mean -x PROXY?"},
      {{"-D", "10", "-m", "10", "https://h/"}, "did you mean -d 10?"},
      {{"-m", "10", "https://h/"}, "-m is the method here"},
      {{"-r", "10", "https://h/"}, "did you mean -R 10 (requests a second) or --ramp 10/s"},
      {{"-T", "2s", "http://h/"}, "did you mean --timeout 2s?"},
      {{"-t", "30s", "http://h/"}, "-t is threads here; did you mean -d 30s?"},
      {{"-t30S", "http://h/"}, "-t is threads here; did you mean -d 30S?"},
      {{"-c", "2", "-t", "30", "http://h/"}, "-t is threads (-d is how long)"},
      {{"-u", "10", "http://h/"}, "-u is USER:PASSWORD; did you mean -c 10?"},
      {{"-U", "me", "http://h/"}, "did you mean -H 'User-Agent: me'?"},
      {{"-more", "http://h/"}, "no such option: -more; the report always has"},
      {{"-h2", "http://h/"}, "no such option: -h2; did you mean --http2?"},
      {{"-h2c", "http://h/"}, "did you mean --http2 with an http:// URL?"},
      {{"-host", "x", "http://h/"}, "did you mean -H 'Host: …'?"},
      {{"-header", "A: b", "http://h/"}, "did you mean --header?"},
      {{"-max-workers=10", "http://h/"}, "did you mean -c N?"},
      {{"-root-certs=x", "https://h/"}, "did you mean --cacert FILE?"},
      {{"--out", "json=x", "http://h/"}, "did you mean --json FILE"},
      {{"--no-connection-reuse", "http://h/"}, "did you mean --connection close?"},
      {{"-p", "h2c", "http://h/"}, "did you mean --http2?"},
      {{"-p", "10", "http://h/"}, "HTTP/1.1 is not pipelined here"},
      {{"-B", "127.0.0.2", "http://h/"}, "did you mean --bind 127.0.0.2?"},
      {{"-N", "5s", "http://h/"}, "did you mean --timeout 5s?"},
      {{"GET", "http://h/"}, "'GET' is no URL; did you mean -m GET?"},
      {{"bench", "http://h/"}, "'bench' is no command here"},
      {{"report"}, "'report' is no command here"},
      {{"--json", "@body.json", "http://h/"}, "--json is the file for the report here; curl's is --data"},
      {{"--h1", "https://h/"}, "HTTP/1.1 is spoken here"},
      {{"--slo", "p(95)<200", "http://h/"}, "a percentile is p95 here"},
      {{"--slo", "p95<200", "http://h/"}, "; a time has its unit: did you mean 'p95<200ms'?"},
      {{"--abort-on", "max>=1000", "http://h/"}, "did you mean 'max>=1000ms'?"},
      {{"--slo", "http_req_failed<0.01", "http://h/"}, "failures errors<1%"},
      {{"--slo", "rate>5", "http://h/"}, "rps here"},
      {{"--thresholds", "p95<1s", "http://h/"}, "no such option: --thresholds; did you mean --slo"},
      {{"-c10k", "http://h/"}, "numbers are written out here"},
  };
  for (const auto& [args, hint] : mistakes) EXPECT_THAT(Complaint(args), HasSubstr(hint));
}

TEST(OtherToolsTest, WhatIsRightHereIsNotQuestioned) {
  EXPECT_EQ(Complaint({"-q", "http://h/"}), "no complaint");
  EXPECT_EQ(Complaint({"-d", "10s", "-L", "-u", "a:b", "-m", "PUT", "http://h/"}), "no complaint");
  EXPECT_EQ(Complaint({"http://run/"}), "no complaint");
  EXPECT_THAT(Complaint({"--slo", "what", "http://h/"}), Not(HasSubstr("did you mean")));
  EXPECT_EQ(HintFor({}), "");
  EXPECT_EQ(HintForCommand({}), "");
  EXPECT_THAT(Complaint({"http", "-c", "x"}), Not(HasSubstr("no URL")));
  EXPECT_EQ(Complaint({"LOCALHOST"}), "no complaint");
  EXPECT_EQ(Complaint({"-mPUT", "-c8", "-t2", "-kL", "http://h/"}), "no complaint");
}

TEST(OtherToolsTest, WhatIsMisspeltIsGuessed) {
  EXPECT_EQ(Complaint({"serch", "http://h/"}), "'serch' is no URL; did you mean loadgen search?");
  EXPECT_EQ(Complaint({"--conections", "5", "http://h/"}),
            "no such option: --conections; did you mean '--connections'?");
  EXPECT_EQ(Complaint({"--rps", "50", "http://h/"}), "no such option: --rps; did you mean -R 50?");
  EXPECT_EQ(Complaint({"http://h/", "-c"}), "--connections needs a value: N");
}

}  // namespace
}  // namespace hydrapool::loadgen
