#include "harness/fault/worker_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hydrapool::harness {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Children with these titles, numbered from 1; which of them are workers?
std::vector<pid_t> WorkersAmong(const std::vector<std::string>& titles) {
  std::vector<Fork> forks;
  for (const std::string& title : titles)
    forks.push_back({.worker = {.identity = {.pid = static_cast<pid_t>(forks.size() + 1)}}, .title = title});
  const Forks apart = TellApart(std::move(forks));
  EXPECT_EQ(apart.workers.size() + apart.others.size(), titles.size());
  std::vector<pid_t> pids;
  for (const ProcessView& worker : apart.workers) pids.push_back(worker.identity.pid);
  return pids;
}

TEST(TellApartTest, AllOfOneKindAreWorkers) {
  EXPECT_THAT(WorkersAmong({}), IsEmpty());
  EXPECT_THAT(WorkersAmong({"node app.js", "node app.js"}), ElementsAre(1, 2));
  EXPECT_THAT(WorkersAmong({"app [1 of 3]", "app [2 of 3]", "app [3 of 3]"}), ElementsAre(1, 2, 3));
  EXPECT_THAT(WorkersAmong({"", ""}), ElementsAre(1, 2));
}

TEST(TellApartTest, WhatCallsItselfAWorkerIsOne) {
  EXPECT_THAT(
      WorkersAmong({"nginx: worker process", "nginx: cache manager process", "nginx: cache loader process"}),
      ElementsAre(1));
  EXPECT_THAT(WorkersAmong({"nginx: master process nginx", "nginx: worker process",
                            "nginx: worker process is shutting down"}),
              ElementsAre(2, 3));
  EXPECT_THAT(WorkersAmong({"php-fpm: pool www", "php-fpm: pool api", "php-fpm: pool api"}),
              ElementsAre(1, 2, 3));
  EXPECT_THAT(WorkersAmong({"unicorn worker[0] -E x", "unicorn reworkerd"}), ElementsAre(1));
}

TEST(TellApartTest, ElseTheKindWithMostMembersIs) {
  EXPECT_THAT(WorkersAmong({"srv: serving 1", "srv: serving 2", "srv: logger"}), ElementsAre(1, 2));
}

TEST(TellApartTest, WhereNoKindHasMostThereIsNone) {
  EXPECT_THAT(WorkersAmong({"postgres: checkpointer", "postgres: background writer", "postgres: walwriter",
                            "postgres: autovacuum launcher"}),
              IsEmpty());
}

TEST(TitlesOfTest, NamesTheFirstThree) {
  const auto fork = [](pid_t pid) { return Fork{.worker = {.identity = {.pid = pid}}, .title = "x"}; };
  EXPECT_EQ(TitlesOf({fork(1), fork(2)}), "pid 1 'x', pid 2 'x'");
  EXPECT_EQ(TitlesOf({fork(1), fork(2), fork(3), fork(4), fork(5)}),
            "pid 1 'x', pid 2 'x', pid 3 'x' and 2 more");
}

}  // namespace
}  // namespace hydrapool::harness
