#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/request_paths.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

using std::string;

/// Every point at which a parent may die, as far as a request's way passes it.
const std::vector<string> kPoints{"parent.forks", "parent.forked", "parent.accepted", "parent.opened",
                                  "parent.sends", "parent.sent",   "parent.collects", "parent.collected",
                                  "parent.hears", "parent.holds",  "parent.closed"};
/// And those that it passes when a worker has died.
const std::vector<string> kRescuePoints{"parent.judged", "parent.process_left", "parent.relent",
                                        "parent.sends",  "parent.sent",         "parent.forked"};

/// Each request of the path is answered once and each of its programs runs once, though `failpoints` kill.
void ExpectExactlyOnce(const Path& path, const string& failpoints) {
  const ScratchDir programs;
  const string record = programs / "executions";
  MakeRequestPrograms(programs, record);
  ServerProcess server({.cgi_dir = programs.path().string(),
                        .flags = SiteFlags(programs),
                        .supervised = true,
                        .failpoints = failpoints});
  if (HttpClient client(server.address()); true) path.exchange(client);
  EXPECT_TRUE(server.AwaitQuiet());
  for (const string& id : path.ids) EXPECT_EQ(Executions(record)[id], 1) << id;
  const auto status = server.Status();
  for (const string name : {"lost", "cut", "abandoned", "poison", "unavailable"})
    EXPECT_EQ(status.at("totals").at(name), 0) << name;
  EXPECT_GE(status.at("parent").at("lives"), 2) << failpoints << " was not passed";
  EXPECT_TRUE(server.Await([](const auto& now) { return now.at("leases").at("open") == 0; }));
  EXPECT_TRUE(server.Await([](const auto& now) { return now.at("cgi_processes") == 0; }));
  EXPECT_TRUE(server.Stop().clean());
}

string NameOf(const string& path, string point) {
  for (char& c : point) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return path + "_" + point;
}

class LifeFailpointTest : public ::testing::TestWithParam<std::tuple<Path, string>> {
 protected:
  void SetUp() override {
    if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  }
};

TEST_P(LifeFailpointTest, AParentThatDiesThereIsNotNoticed) {
  const auto& [path, point] = GetParam();
  ExpectExactlyOnce(path, point + "=kill@1%3");
}

std::vector<std::tuple<Path, string>> PathsAndPoints() {
  std::vector<std::tuple<Path, string>> all;
  for (const Path& path : Paths()) {
    for (const string& point : kPoints) {
      const bool of_programs = point == "parent.hears" || point == "parent.holds";
      if (!of_programs || !path.ids.empty()) all.emplace_back(path, point);
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Kill, LifeFailpointTest, ::testing::ValuesIn(PathsAndPoints()),
                         [](const auto& which) {
                           return NameOf(std::get<0>(which.param).name, std::get<1>(which.param));
                         });

class LifeRescueFailpointTest : public LifeFailpointTest {};

TEST_P(LifeRescueFailpointTest, AParentThatDiesInARescueIsNotNoticed) {
  const auto& [path, point] = GetParam();
  // Twice in a row over the same lease, where the point is passed again.
  const string deaths = point == "parent.forked" ? "@3%2" : point.starts_with("parent.sen") ? "@2%2" : "@1%2";
  ExpectExactlyOnce(path, fmt::format("worker.responding=kill@1,{}=kill{}", point, deaths));
}

INSTANTIATE_TEST_SUITE_P(Kill, LifeRescueFailpointTest,
                         ::testing::Combine(::testing::ValuesIn(Paths()), ::testing::ValuesIn(kRescuePoints)),
                         [](const auto& which) {
                           return NameOf(std::get<0>(which.param).name, std::get<1>(which.param));
                         });

}  // namespace
}  // namespace hydrapool::support
