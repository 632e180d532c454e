#include "pool/testing/request_paths.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <utility>

namespace hydrapool::support {
namespace {

using std::string;

const std::set<string> kAlways{"worker.received",   "worker.claimed", "worker.peeked",   "worker.noted",
                               "worker.responding", "worker.sent",    "worker.consumed", "worker.committed",
                               "worker.closed",     "worker.returned"};
const std::set<string> kStart{"worker.place_claimed", "worker.prepared", "worker.offered", "cgi.spawned",
                              "worker.process_left"};
const std::set<string> kSpool{"worker.body_held", "worker.taken", "cgi.spooled", "cgi.body_whole"};
const std::set<string> kStream{"cgi.head_noted", "cgi.head_taken", "cgi.answer_noted", "cgi.stream_noted",
                               "cgi.streaming"};

std::set<string> operator+(std::set<string> all, const std::set<string>& more) {
  all.insert(more.begin(), more.end());
  return all;
}

void ExpectBody(const std::optional<HttpAnswer>& answer, const HttpClient& client, const string& body) {
  ASSERT_TRUE(answer) << client.error();
  EXPECT_EQ(answer->status, 200) << answer->head;
  EXPECT_EQ(answer->body.size(), body.size());
  EXPECT_TRUE(answer->body == body) << "the body is not the one that was asked for";
}

void AskInTurn(HttpClient& client, const std::vector<std::pair<string, string>>& requests) {
  for (const auto& [request, body] : requests) {
    ExpectBody(client.Ask(request), client, body);
    if (::testing::Test::HasFatalFailure()) return;
  }
  EXPECT_EQ(client.Rest(), "");
}

void AddPlainPaths(std::vector<Path>& paths) {
  paths.push_back({"keep_alive", kAlways, {}, [](HttpClient& client) {
                     AskInTurn(client, {{Get("/?1"), "hello 1\n"}, {Get("/?2"), "hello 2\n"}});
                   }});
  paths.push_back({"pipelined", kAlways, {}, [](HttpClient& client) {
                     string batch;
                     for (int id = 1; id <= 5; ++id) batch += Get(fmt::format("/?{}", id));
                     ASSERT_TRUE(client.Send(batch));
                     for (int id = 1; id <= 5; ++id)
                       ExpectBody(client.Receive(), client, fmt::format("hello {}\n", id));
                     EXPECT_EQ(client.Rest(), "");
                   }});
  paths.push_back(
      {"close", kAlways + std::set<string>{"worker.closing", "worker.shut"}, {}, [](HttpClient& client) {
         ExpectBody(client.Ask(Get("/?1", "Connection: close\r\n")), client, "hello 1\n");
         EXPECT_EQ(client.Rest(false), "");
       }});
}

const std::set<string> kFile{"worker.body_held", "worker.process_left", "files.held", "files.sending"};

void AddFilePaths(std::vector<Path>& paths) {
  paths.push_back({"file", kAlways + kFile, {}, [](HttpClient& client) {
                     const string flood = FloodBody(1'300'000);
                     AskInTurn(client, {{Get("/files/flood.bin"), flood}, {Get("/?after"), "hello after\n"}});
                   }});
  paths.push_back({"file_in_parts", kAlways + kFile, {}, [](HttpClient& client) {
                     const string flood = FloodBody(1'300'000);
                     const auto answer =
                         client.Ask(Get("/files/flood.bin", "Range: bytes=5-700004,800000-800999,-1000\r\n"));
                     ASSERT_TRUE(answer) << client.error();
                     EXPECT_EQ(answer->status, 206);
                     string body = answer->body;
                     for (const auto& part : {flood.substr(5, 700'000), flood.substr(800'000, 1000),
                                              flood.substr(flood.size() - 1000)}) {
                       body = body.substr(std::min(body.find("\r\n\r\n"), body.size() - 4) + 4);
                       ASSERT_TRUE(body.starts_with(part));
                       body = body.substr(part.size());
                     }
                     EXPECT_TRUE(body.ends_with("--\r\n"));
                     AskInTurn(client, {{Get("/?after"), "hello after\n"}});
                   }});
}

void AddProgramPaths(std::vector<Path>& paths) {
  paths.push_back(
      {"cgi_get",
       kAlways + kStart + std::set<string>{"cgi.answered"},
       {"id=a", "id=b"},
       [](HttpClient& client) {
         AskInTurn(client, {{Get("/cgi-bin/record?id=a"), "a\n"}, {Get("/cgi-bin/record?id=b"), "b\n"}});
       }});
  paths.push_back({"cgi_get_close",
                   kAlways + kStart + std::set<string>{"cgi.answered", "worker.closing", "worker.shut"},
                   {"id=a"},
                   [](HttpClient& client) {
                     ExpectBody(client.Ask(Get("/cgi-bin/record?id=a", "Connection: close\r\n")), client,
                                "a\n");
                     EXPECT_EQ(client.Rest(false), "");
                   }});
  paths.push_back(
      {"cgi_post", kAlways + kStart + std::set<string>{"cgi.answered"}, {"id=a"}, [](HttpClient& client) {
         AskInTurn(client, {{Post("/cgi-bin/echo?id=a", "some body"), "some body"},
                            {Get("/?after"), "hello after\n"}});
       }});
  paths.push_back(
      {"cgi_nph",
       kAlways + kStart +
           std::set<string>{"cgi.answer_noted", "cgi.streaming", "worker.closing", "worker.shut"},
       {"id=a"},
       [](HttpClient& client) { ExpectBody(client.Ask(Get("/cgi-bin/nph-hello?id=a")), client, "raw\n"); }});
  paths.push_back({"cgi_head",
                   kAlways + kStart + std::set<string>{"cgi.answered"},
                   {"bytes=1000000"},
                   [](HttpClient& client) {
                     const auto answer =
                         client.Ask("HEAD /cgi-bin/flood?bytes=1000000 HTTP/1.1\r\nHost: test\r\n\r\n", true);
                     ASSERT_TRUE(answer) << client.error();
                     EXPECT_EQ(answer->status, 200);
                     AskInTurn(client, {{Get("/?after"), "hello after\n"}});
                   }});
}

void AddStreamPaths(std::vector<Path>& paths) {
  // Made when they are asked for: every test of a point has a copy of each path.
  paths.push_back(
      {"cgi_large_post",
       kAlways + kStart + kStream + std::set<string>{"worker.fed", "worker.partly_fed"},
       {"id=a"},
       [](HttpClient& client) {
         const string large = FloodBody(300'000);
         AskInTurn(client, {{Post("/cgi-bin/echo?id=a", large), large}, {Get("/?after"), "hello after\n"}});
       }});
  for (const std::size_t bytes : {9'000u, 1'300'000u}) {
    paths.push_back({fmt::format("cgi_chunked_post_{}", bytes),
                     kAlways + kStart + kSpool,
                     {"id=a"},
                     [bytes](HttpClient& client) {
                       const string body = FloodBody(bytes);
                       AskInTurn(client, {{ChunkedPost("/cgi-bin/echo?id=a", body, 4'000), body},
                                          {Get("/?after"), "hello after\n"}});
                     }});
  }
  paths.push_back({"cgi_coded",
                   kAlways + kStart + kStream + std::set<string>{"cgi.framing_noted", "cgi.framing_taken"},
                   {"id=a"},
                   [](HttpClient& client) {
                     AskInTurn(client, {{Get("/cgi-bin/coded?id=a"), "hello coded world\n"},
                                        {Get("/?after"), "hello after\n"}});
                   }});
  paths.push_back({"cgi_redirect",
                   kAlways + kStart + std::set<string>{"cgi.redirecting", "cgi.redirected"},
                   {"local", "redirected"},
                   [](HttpClient& client) {
                     AskInTurn(client, {{Get("/cgi-bin/redirect?local"), "hello redirected\n"},
                                        {Get("/?after"), "hello after\n"}});
                   }});
  for (const string length : {"", "&length=1"}) {
    const string query = "bytes=1000000" + length;
    paths.push_back(
        {length.empty() ? "cgi_flood" : "cgi_flood_by_length",
         kAlways + kStart + kStream,
         {query},
         [query](HttpClient& client) {
           const string flood = FloodBody(1'000'000);
           AskInTurn(client, {{Get("/cgi-bin/flood?" + query), flood}, {Get("/?after"), "hello after\n"}});
         }});
  }
  paths.push_back({"cgi_flood_to_the_end",
                   kAlways + kStart + kStream + std::set<string>{"worker.closing", "worker.shut"},
                   {"bytes=1000000"},
                   [](HttpClient& client) {
                     const string flood = FloodBody(1'000'000);
                     ExpectBody(client.Ask("GET /cgi-bin/flood?bytes=1000000 HTTP/1.0\r\n\r\n"), client,
                                flood);
                   }});
  paths.push_back({"cgi_slow_to_the_end",
                   kAlways + kStart + kStream + std::set<string>{"worker.closing", "worker.shut"},
                   {"before=0&during=30&lines=4"},
                   [](HttpClient& client) {
                     ExpectBody(client.Ask("GET /cgi-bin/slow?before=0&during=30&lines=4 HTTP/1.0\r\n\r\n"),
                                client, "line 0\nline 1\nline 2\nline 3\n");
                   }});
  paths.push_back(
      {"cgi_slow", kAlways + kStart + kStream, {"before=0&during=30&lines=4"}, [](HttpClient& client) {
         AskInTurn(client,
                   {{Get("/cgi-bin/slow?before=0&during=30&lines=4"), "line 0\nline 1\nline 2\nline 3\n"},
                    {Get("/?after"), "hello after\n"}});
       }});
}

}  // namespace

std::vector<Path> Paths() {
  std::vector<Path> paths;
  AddPlainPaths(paths);
  AddFilePaths(paths);
  AddProgramPaths(paths);
  AddStreamPaths(paths);
  // The same over a socket whose bytes the kernel does not count.
  for (std::size_t i = 0, end = paths.size(); i < end; ++i) {
    Path path = paths[i];
    if (path.name == "cgi_large_post") path.passes = kAlways + kStart + kSpool;
    path.name += "_unix";
    path.local = true;
    paths.push_back(std::move(path));
  }
  return paths;
}

std::vector<string> SiteFlags(const ScratchDir& programs) {
  return {"--mount", "/files/=files:" + programs.path().string()};
}

void MakeRequestPrograms(const ScratchDir& programs, const string& record) {
  std::ofstream(programs / "flood.bin") << FloodBody(1'300'000);
  MakeCountingPrograms(programs, {"record", "echo", "flood", "slow", "redirect", "hello"}, record);
  WriteProgram(programs / "nph-hello",
               "#!/bin/sh\necho GET $QUERY_STRING $$ >>" + record +
                   "\nprintf 'HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n\\r\\nraw\\n'\n");
  WriteProgram(programs / "coded", "#!/bin/sh\necho GET $QUERY_STRING $$ >>" + record +
                                       "\nprintf 'Transfer-Encoding: chunked\\n\\n5\\r\\nhello\\r\\n'\n"
                                       "sleep 0.03\nprintf '7;x=y\\r\\n coded \\r\\n'\n"
                                       "sleep 0.03\nprintf '6\\r\\nworld\\n\\r\\n0\\r\\n\\r\\n'\n");
}

}  // namespace hydrapool::support
