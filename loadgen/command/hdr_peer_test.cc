#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "loadgen/engine/load_run.h"
#include "loadgen/report/hdr_log.h"

/// HdrHistogram itself (the Java implementation) reads what we write.
namespace hydrapool::loadgen {
namespace {

using sys::kSecond;
using ::testing::HasSubstr;

constexpr const char* kJar = "/usr/share/java/hdrhistogram.jar";

std::string Read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The lines of a .hgrm that follow from the counts alone: not the mean and the maximum, which we know
/// exactly.
std::string Rows(const std::string& hgrm) {
  std::string rows;
  std::istringstream lines(hgrm);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && (!line.starts_with('#') || line.starts_with("#[Buckets"))) rows += line + "\n";
  }
  return rows;
}

class HdrPeerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::access(kJar, R_OK) != 0 || std::system("command -v java >/dev/null 2>&1") != 0)
      GTEST_SKIP() << "no java or no " << kJar << " (packages default-jre-headless, libhdrhistogram-java)";
  }
  void TearDown() override {
    for (const auto* end : {".hlog", ".out", ".out.hgrm"}) ::unlink((base_ + end).c_str());
  }

  /// The percentiles that HdrHistogram's log processor makes of a log; empty where it fails.
  std::string Process(const HdrLog& log, const std::string& arguments) {
    std::ofstream(base_ + ".hlog") << HdrText(log) << std::flush;
    const auto command = std::string("java -Xshare:auto -cp ") + kJar +
                         " org.HdrHistogram.HistogramLogProcessor -i " + base_ + ".hlog -o " + base_ +
                         ".out -outputValueUnitRatio 1000 " + arguments + " > " + base_ + ".said 2>&1";
    const int status = std::system(command.c_str());
    EXPECT_EQ(status, 0) << Read(base_ + ".said");
    ::unlink((base_ + ".said").c_str());
    return Read(base_ + ".out.hgrm");
  }

  std::string base_ = ::testing::TempDir() + "hdr_peer_test_" + std::to_string(::getpid());
};

TEST_F(HdrPeerTest, FindsThePercentilesThatWeFind) {
  RunResult run{.start_unix_ms = 1'700'000'000'000, .duration = 3 * kSecond};
  LatencyHistogram all;
  LatencyHistogram worker;
  std::int64_t value = 3;
  for (sys::Nanos second = 0; second < 3; ++second) {
    LatencyHistogram response;
    for (int i = 0; i < 20'000; ++i) {
      value = (value * 48'271) % 2'147'483'647;
      response.Record(i % 1000 == 0 ? value : value % 3000);
    }
    all.Merge(response);
    run.series.Add(second * kSecond, {.response = PackedHistogram(response)});
  }
  for (int i = 0; i < 100; ++i) worker.Record(40 + i * i);
  run.tally.workers["3"].service = worker;
  const auto log = HdrLogOf(run);
  const auto theirs = Process(log, "");
  EXPECT_THAT(theirs, HasSubstr("60000\n"));
  EXPECT_EQ(Rows(theirs), Rows(HgrmText(all)));
  EXPECT_EQ(Rows(Process(log, "-tag worker-3")), Rows(HgrmText(worker)));
}

}  // namespace
}  // namespace hydrapool::loadgen
