#include "pool/control/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <string>

namespace hydrapool::control {
namespace {

using Json = nlohmann::ordered_json;

TEST(ControlTextTest, WorkersAreATable) {
  const Reply reply{
      .lines = {R"({"slot":0,"pid":4711,"state":"ready","leaves":false,"leases":12,"busy":1,"requests":99,)"
                R"("memory":4096000,"age_s":12.3,"program":1})",
                R"({"slot":1,"pid":0,"state":"drained","leaves":false,"leases":0,"busy":0,"requests":0,)"
                R"("memory":0,"age_s":0,"program":0})"},
      .last = R"({"ok":true})"};
  EXPECT_EQ(Text("workers", reply),
            "SLOT  PID   STATE    LEASES  BUSY  REQUESTS  MEMORY  AGE  PROGRAM\n"
            "   0  4711  ready        12     1        99   4000K  12s  1\n"
            "   1  -     drained       0     0         0  -       -    -\n");
}

TEST(ControlTextTest, AVerdictIsALine) {
  EXPECT_EQ(Text("resize", {.last = R"({"ok":true,"workers":3})"}), "3 workers are wanted\n");
  EXPECT_EQ(Text("reload", {.last = R"({"ok":true,"program":2})"}), "a new program serves, number 2\n");
}

TEST(ControlTextTest, EveryEventIsALineAlsoOneFromANewerServer) {
  for (
      const char* event :
      {R"({"event":"worker-ended","slot":1,"pid":4711,"cause":"SIGKILL","lived_s":1,"carried":4,"harmed":0})",
       R"({"event":"missed-ends","ends":3})", R"({"event":"worker-ready","slot":1,"incarnation":2})",
       R"({"event":"harmed","cut":1,"lost":2})", R"({"event":"draining"})",
       R"({"event":"of-tomorrow","x":[1]})", R"({"event":"worker-ended"})"}) {
    const std::string line = Text(Json::parse(event));
    EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
  }
  EXPECT_THAT(Text(Json::parse(R"({"event":"harmed","cut":1,"lost":2})")),
              ::testing::EndsWith(" not answered well: 2 lost, 1 cut\n"));
}

}  // namespace
}  // namespace hydrapool::control
