#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadgen/testing/program.h"
#include "loadgen/testing/scripted_server.h"
#include "pool/testing/json.h"

/// `loadgen --replay` and `loadgen import` as a user calls them.
namespace hydrapool::loadgen {
namespace {

using support::ParseJson;
using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr const char* kLog =
    "h - - [10/Oct/2025:11:55:36 +0000] \"GET /ok HTTP/1.1\" 200 1\n"
    "h - - [10/Oct/2025:11:55:37 +0000] \"POST /ok HTTP/1.1\" 200 1\n"
    "h - - [10/Oct/2025:11:55:38 +0000] \"GET /500 HTTP/1.1\" 200 1\n";

TEST(ReplayCommandTest, ReplaysALog) {
  const ScriptedServer server;
  const ScratchFile log("access.log");
  log.Write(kLog);
  Program program({"--replay", log.path(), "--speed", "20", "--json", "-", "-q", server.Url("/")});
  EXPECT_THAT(program.Wait(), AnyOf(0, 3)) << "3: this machine was late, which is no mistake here";
  const auto json = ParseJson(program.Out());
  EXPECT_EQ(json["requests"]["scheduled"], 2);
  EXPECT_EQ(json["plan"]["arrival"], "replay");
  EXPECT_EQ(server.Received("/ok"), 1);
  EXPECT_EQ(server.Received("/500"), 1);
  EXPECT_THAT(program.Err(), HasSubstr("1 that may change something (--replay-unsafe)"));
}

TEST(ReplayCommandTest, ALogHasItsOwnTimes) {
  const ScratchFile log("access.log");
  log.Write(kLog);
  Program dry({"--dry-run", "--replay", log.path(), "--replay-unsafe", "http://h/"});
  EXPECT_EQ(dry.Wait(), 0);
  EXPECT_THAT(dry.Out(), HasSubstr("1.000000 s    POST http://h/ok\n"));
  Program rate({"-R", "5", "--replay", log.path(), "http://h/"});
  EXPECT_EQ(rate.Wait(), 2);
  EXPECT_THAT(rate.Err(), HasSubstr("-R and --replay exclude each other"));
}

TEST(ImportCommandTest, WhatItWritesIsARequestFile) {
  const ScriptedServer server;
  const ScratchFile command("command");
  const ScratchFile requests("requests.jsonl");
  command.Write("curl -H 'X-A: 1' -u ann:x --data-raw '{\"a\": 1}' -k " + server.Url("/ok") + "\ncurl -I " +
                server.Url("/500"));
  Program import({"import", "curl", command.path(), "-o", requests.path()});
  EXPECT_EQ(import.Wait(), 0);
  EXPECT_THAT(import.Out(), HasSubstr("--insecure: for loadgen's own command line"));
  EXPECT_THAT(requests.Read(), HasSubstr("\nHEAD " + server.Url("/500") + "\n"));
  Program run({"-n", "1", "-q", "--request-file", requests.path()});
  EXPECT_EQ(run.Wait(), 0);
  EXPECT_THAT(server.LastRequest(), HasSubstr("POST /ok HTTP/1.1\r\n"));
  EXPECT_THAT(server.LastRequest(), HasSubstr("Authorization: Basic YW5uOng=\r\n"));
  EXPECT_THAT(server.LastRequest(), HasSubstr("\r\n\r\n{\"a\": 1}"));
}

TEST(ImportCommandTest, WhatItReadIsSentAsItWas) {
  const ScriptedServer server;
  const ScratchFile har("har");
  const ScratchFile secret("secret");
  const ScratchFile requests("requests.jsonl");
  secret.Write("s3cret\n");
  const auto line = "{line:" + secret.path() + "}";
  const auto entry = [&](const std::string& method, const std::string& query, const std::string& more) {
    return R"({"startedDateTime": "2025-10-10T11:55:36Z", "request": {"method": ")" + method +
           R"(", "url": ")" + server.Url("/ok") + query + R"(")" + more + "}}";
  };
  har.Write(R"({"log": {"entries": [)" +
            entry("POST", "?{counter}\\nDELETE /x",
                  R"(, "headers": [{"name": "A", "value": ")" + line +
                      R"("}], "postData": {"text": "{counter})" + line + R"("})") +
            "," + entry("GET", "?a\\nDELETE /x", "") + "]}}");
  Program import({"import", "har", har.path(), "-o", requests.path()});
  ASSERT_EQ(import.Wait(), 0) << import.Err();
  EXPECT_THAT(requests.Read(), HasSubstr("\n" + server.Url("/ok?a%0ADELETE%20/x") + "\n"));
  Program run({"-n", "1", "-q", "--request-file", requests.path()});
  EXPECT_EQ(run.Wait(), 0) << run.Err();
  EXPECT_THAT(server.LastRequest(), HasSubstr("POST /ok?%7Bcounter%7D%0ADELETE%20/x HTTP/1.1\r\n"));
  EXPECT_THAT(server.LastRequest(), HasSubstr("\r\nA: " + line + "\r\n"));
  EXPECT_THAT(server.LastRequest(), HasSubstr("\r\n\r\n{counter}" + line));
}

TEST(ImportCommandTest, ABodyOfBytesIsImportedAndOneThatIsNotThereIsSaid) {
  const ScriptedServer server;
  const ScratchFile har("har");
  const ScratchFile requests("requests.jsonl");
  const auto entry = [&](const std::string& data) {
    return R"({"startedDateTime": "2025-10-10T11:55:36Z", "request": {"method": "POST", "url": ")" +
           server.Url("/ok") + R"(", "postData": )" + data + "}}";
  };
  har.Write(R"({"log": {"entries": [)" + entry(R"({"text": "//4K", "encoding": "base64"})") + "," +
            entry(R"({"mimeType": "multipart/form-data", "params": [{"name": "a"}]})") +
            R"(, {"request": {"method": "GET", "url": "data:text/plain,x"}}]}})");
  Program import({"import", "har", har.path(), "-o", requests.path()});
  EXPECT_EQ(import.Wait(), 0) << import.Err();
  EXPECT_EQ(import.Out(), "left out: 1 that are no http requests (data:, ws: …)\nleft out: POST " +
                              server.Url("/ok") +
                              ": of its body only the fields are there and not the text\n");
  Program run({"-n", "1", "-q", "--request-file", requests.path()});
  EXPECT_EQ(run.Wait(), 0) << run.Err();
  EXPECT_THAT(server.LastRequest(), HasSubstr("\r\n\r\n\xff\xfe\n"));
}

TEST(ImportCommandTest, MistakesAreCode2) {
  const ScratchFile file("file");
  file.Write("wget h\n");
  for (const auto* kind : {"curl", "har", "openapi", "wsdl"}) {
    Program import({"import", kind, file.path()});
    EXPECT_EQ(import.Wait(), 2) << kind;
    EXPECT_EQ(import.Out(), "");
  }
}

}  // namespace
}  // namespace hydrapool::loadgen
