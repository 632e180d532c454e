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
      {{"--h1", "https://h/"}, "HTTP/1.1 is spoken here"},
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
