#include "loadgen/plan/replica.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace hydrapool::loadgen {
namespace {

using ::testing::HasSubstr;

sys::Result<Replica> From(const std::map<std::string, std::string>& environment) {
  return ReplicaFromEnvironment([&](const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  });
}

TEST(ReplicaTest, ByHandItCountsFromOne) {
  const auto second = ParseReplica("2/3");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->index, 1);
  EXPECT_EQ(second->of, 3);
  for (const auto* text : {"", "1", "0/3", "4/3", "1/0", "a/b", "1/3/5", "-1/3", "1/99999999"}) {
    EXPECT_FALSE(ParseReplica(text)) << text;
  }
}

TEST(ReplicaTest, OrchestratorsNameItInTheEnvironment) {
  EXPECT_EQ(From({{"LOADGEN_REPLICA", "3/3"}, {"SLURM_PROCID", "0"}})->index, 2);
  const auto kubernetes = From({{"JOB_COMPLETION_INDEX", "2"}, {"LOADGEN_REPLICAS", "5"}});
  EXPECT_EQ(kubernetes->index, 2);
  EXPECT_EQ(kubernetes->of, 5);
  EXPECT_EQ(From({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}})->of, 4);
  EXPECT_THAT(From({}).error().message, HasSubstr("none of LOADGEN_REPLICA"));
  EXPECT_THAT(From({{"JOB_COMPLETION_INDEX", "2"}}).error().message, HasSubstr("LOADGEN_REPLICAS is not"));
  EXPECT_THAT(From({{"SLURM_PROCID", "4"}, {"SLURM_NTASKS", "4"}}).error().message,
              HasSubstr("SLURM_PROCID=4"));
}

TEST(ReplicaTest, ConnectionsAddUp) {
  for (const int total : {3, 10, 64, 100}) {
    int sum = 0;
    for (int i = 0; i < 3; ++i) sum += ConnectionsOf({.index = i, .of = 3}, total);
    EXPECT_EQ(sum, total);
  }
}

}  // namespace
}  // namespace hydrapool::loadgen
