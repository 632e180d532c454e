#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "pool/testing/command.h"
#include "pool/testing/http_client.h"
#include "pool/testing/scratch.h"
#include "pool/testing/server_process.h"

// A site of mounts: files, programs, one program for all of a path, files that another program runs.
namespace hydrapool::support {
namespace {

namespace fs = std::filesystem;

class MountTest : public ::testing::Test {
 protected:
  MountTest() {
    for (const std::string directory :
         {"www/docs/deep", "www/empty", "www/app", "www/.secret", "cgi/deep", "git", "outside"})
      fs::create_directories(scratch_.path() / directory);
    Write("www/index.html", "<h1>site</h1>\n");
    Write("www/docs/index.html", "<h1>docs</h1>\n");
    Write("www/docs/deep/a b.txt", "text\n");
    Write("www/large.bin", FloodBody(3'000'000));
    Write("www/page.css", "plain");
    Write("www/page.css.gz", "gzipped");
    Write("www/page.css.br", "brotli");
    Write("www/empty.txt", "");
    Write("www/.secret/x", "secret");
    Write("www/.hidden", "secret");
    Write("outside/x", "secret");
    Write("www/app/index.say", "an index program");
    Write("www/say.say", "a program");
    const std::string told =
        "printf 'Content-Type: text/plain\\n\\n%s|%s|%s|%s\\n' \"$SCRIPT_NAME\" \"$PATH_INFO\" "
        "\"$(basename \"$SCRIPT_FILENAME\")\" \"$(basename \"$PWD\")\"\n";
    WriteProgram(scratch_ / "cgi/tell", "#!/bin/sh\n" + told);
    WriteProgram(scratch_ / "git/backend", "#!/bin/sh\n" + told);
    WriteProgram(scratch_ / "say", "#!/bin/sh\n" + told + "cat \"$1\"\n");
    WriteProgram(scratch_ / "cgi/deep/index.say", "#!/bin/sh\n" + told);
    WriteProgram(scratch_ / "cgi/to-file", "#!/bin/sh\nprintf 'Location: /docs/\\n\\n'\n");
  }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(scratch_.path() / name) << text;
  }
  [[nodiscard]] std::vector<std::string> Flags() const {
    return {"--mount", "/=files:" + (scratch_ / "www"),
            "--mount", "/cgi-bin/=cgi:" + (scratch_ / "cgi"),
            "--mount", "/git=program:" + (scratch_ / "git/backend"),
            "--mount", "*.say=with:" + (scratch_ / "say"),
            "--index", "index.html,index.say"};
  }
  ServerProcess& Server(std::vector<std::string> more = {}, const std::string& listen = "127.0.0.1:0") {
    auto flags = Flags();
    flags.insert(flags.end(), more.begin(), more.end());
    server_.emplace(ServerOptions{.cgi_dir = "", .flags = flags, .listen = listen});
    return *server_;
  }
  HttpAnswer Ask(const std::string& target, const std::string& fields = "",
                 const std::string& method = "GET") {
    HttpClient client(server_->address());
    const auto answer =
        client.Ask(method + " " + target + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n", method == "HEAD");
    EXPECT_TRUE(answer) << target << ": " << client.error();
    EXPECT_EQ(client.Ask("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").value_or(HttpAnswer{}).status, 200)
        << target << " left its connection in disorder";
    return answer.value_or(HttpAnswer{});
  }

  ScratchDir scratch_;
  std::optional<ServerProcess> server_;
};

TEST_F(MountTest, EachPathIsAnsweredByTheMountOfItsLongestPrefix) {
  Server();
  EXPECT_EQ(Ask("/").body, "<h1>site</h1>\n");
  EXPECT_EQ(Ask("/").Field("Content-Type"), "text/html");
  EXPECT_EQ(Ask("/docs/").body, "<h1>docs</h1>\n");
  EXPECT_EQ(Ask("/docs/deep/a%20b.txt?query").body, "text\n");
  EXPECT_EQ(Ask("/cgi-bin/tell/more/x").body, "/cgi-bin/tell|/more/x|tell|cgi\n");
  EXPECT_EQ(Ask("/git").body, "/git||backend|git\n");
  EXPECT_EQ(Ask("/git/a.git/info/refs?x").body, "/git|/a.git/info/refs|backend|git\n");
  EXPECT_EQ(Ask("/gitx").status, 404);
  EXPECT_EQ(Ask("/say.say").body, "/say.say||say.say|www\na program");
  EXPECT_EQ(Ask("/say.say/a/b").body, "/say.say|/a/b|say.say|www\na program");
  EXPECT_EQ(Ask("/app/").body, "/app/index.say||index.say|app\nan index program");
  EXPECT_EQ(Ask("/empty.txt").body, "");
  EXPECT_EQ(Ask("/empty/").status, 403) << "no listings";
  EXPECT_EQ(Ask("/cgi-bin/deep/").body, "/cgi-bin/deep/index.say||index.say|deep\n");
  const auto moved = Ask("/cgi-bin/deep?a=b");
  EXPECT_EQ(moved.status, 301);
  EXPECT_EQ(moved.Field("Location"), "/cgi-bin/deep/?a=b");
  EXPECT_EQ(Ask("/page.css/more").status, 404);
  EXPECT_EQ(Ask("/none").status, 404);
  EXPECT_EQ(Ask("/cgi-bin/none").status, 404);
  EXPECT_TRUE(server_->Stop().clean());
}

// RFC 3875, section 6.2.2.
TEST_F(MountTest, ALocalRedirectToAFileIsAnsweredWithIt) {
  const auto lead = [this](const std::string& name, const std::string& location) {
    WriteProgram(scratch_ / ("cgi/" + name), "#!/bin/sh\nprintf 'Location: " + location + "\\n\\n'\n");
  };
  lead("to-none", "/docs/none");
  lead("to-large", "/large.bin");
  lead("to-directory", "/docs");
  Server({"--request-id-header"});
  for (const std::string method : {"GET", "HEAD"}) {
    const auto answer = Ask("/cgi-bin/to-file", "X-Request-Id: mine\r\n", method);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, method == "GET" ? "<h1>docs</h1>\n" : "");
    EXPECT_EQ(answer.Field("Content-Type"), "text/html");
    EXPECT_EQ(answer.Field("Content-Length"), "14");
    EXPECT_EQ(answer.Field("Location"), "");
    EXPECT_EQ(answer.Field("X-Request-Id"), "mine");
  }
  for (const std::string& post :
       {Post("/cgi-bin/to-file", "body"), ChunkedPost("/cgi-bin/to-file", "body", 2),
        Post("/cgi-bin/to-file", FloodBody(100'000))}) {
    HttpClient client(server_->address());
    EXPECT_EQ(client.Ask(post).value_or(HttpAnswer{}).body, "<h1>docs</h1>\n");
  }
  EXPECT_EQ(Ask("/cgi-bin/to-none").status, 404);
  for (const std::string elsewhere : {"/cgi-bin/to-large", "/cgi-bin/to-directory"})
    EXPECT_EQ(Ask(elsewhere).status, 302) << elsewhere;
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(MountTest, APathIsFoldedAndNeverLeavesItsMount) {
  fs::create_symlink(scratch_ / "outside", scratch_.path() / "www/link");
  fs::create_symlink("../outside/x", scratch_.path() / "www/x");
  fs::create_symlink("page.css", scratch_.path() / "www/inner.css");
  Server({"--cgi-symlinks", "beneath"});
  for (const std::string same : {"//docs/", "/./docs/", "/docs/.", "/docs/deep/..", "/docs/deep/../",
                                 "/none/../docs/", "/%64ocs/", "/git/../docs/", "/docs//", "/docs/%2e/"})
    EXPECT_EQ(Ask(same).body, "<h1>docs</h1>\n") << same;
  for (const std::string program :
       {"//cgi-bin/tell", "/x/../cgi-bin/tell", "/./cgi-bin/./tell", "/cgi%2dbin/tell"})
    EXPECT_EQ(Ask(program).body, "/cgi-bin/tell||tell|cgi\n") << program;
  for (const std::string out : {"/../outside/x", "/%2e%2e/outside/x", "/docs/../../outside/x", "/link/x",
                                "/x", "/cgi-bin/../docs/", "/git/%2e%2e/x"})
    EXPECT_EQ(Ask(out).status, 403) << out;
  for (const std::string hidden : {"/.hidden", "/.secret/x", "/docs/../.hidden"})
    EXPECT_EQ(Ask(hidden).status, 404) << hidden;
  for (const std::string bad : {"/%2fdocs/", "/a%00b", "/%", "/%zz", "/docs%0a"})
    EXPECT_EQ(Ask(bad).status, 400) << bad;
  EXPECT_EQ(Ask("/inner.css").body, "plain");
  const auto moved = Ask("/docs?a=b");
  EXPECT_EQ(moved.status, 301);
  EXPECT_EQ(moved.Field("Location"), "/docs/?a=b");
  EXPECT_EQ(Ask("//docs").Field("Location"), "/docs/") << "never another host";
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(MountTest, AFileIsReadAndNothingElse) {
  Server();
  EXPECT_EQ(Ask("/", "", "HEAD").Field("Content-Length"), "14");
  const auto allowed = Ask("/", "", "OPTIONS");
  EXPECT_EQ(allowed.status, 200);
  EXPECT_EQ(allowed.Field("Allow"), "GET, HEAD, OPTIONS");
  for (const std::string method : {"POST", "PUT", "DELETE", "PATCH", "TRACE"}) {
    const auto refused = Ask("/", "", method);
    EXPECT_EQ(refused.status, 405) << method;
    EXPECT_EQ(refused.Field("Allow"), "GET, HEAD, OPTIONS");
  }
  EXPECT_EQ(Ask("/", "", "BREW").status, 501);
  HttpClient client(server_->address());
  EXPECT_EQ(
      client.Ask("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody").value_or(HttpAnswer{}).status,
      200);
  EXPECT_EQ(client.Ask(Get("/docs/")).value_or(HttpAnswer{}).body, "<h1>docs</h1>\n");
  HttpClient chunks(server_->address());
  EXPECT_EQ(chunks.Ask("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
                .value_or(HttpAnswer{})
                .status,
            411);
  fs::permissions(scratch_.path() / "www/page.css", fs::perms::none);
  if (::geteuid() != 0) {
    EXPECT_EQ(Ask("/page.css").status, 403);
  }
  ASSERT_EQ(::mkfifo((scratch_ / "www/fifo").c_str(), 0666), 0);
  EXPECT_EQ(Ask("/fifo").status, 403);
  EXPECT_TRUE(server_->Stop().clean());
}

// A body may come byte by byte, and to look up its path is not cheap. One worker, so that what is answered
// here tells that what came before was looked at.
TEST_F(MountTest, WhatABodyIsForIsLookedUpOnceWhileItComes) {
  server_.emplace(ServerOptions{.workers = 1, .cgi_dir = "", .flags = Flags()});
  HttpClient slow(server_->address());
  ASSERT_TRUE(slow.Send("POST /say.say HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na"));
  EXPECT_EQ(Ask("/").status, 200);
  fs::rename(scratch_ / "www/say.say", scratch_ / "www/away");
  ASSERT_TRUE(slow.Send("b"));
  EXPECT_EQ(Ask("/").status, 200);
  fs::rename(scratch_ / "www/away", scratch_ / "www/say.say");
  ASSERT_TRUE(slow.Send("c"));
  EXPECT_EQ(slow.Receive().value_or(HttpAnswer{}).status, 200);
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(MountTest, ConditionsRangesAndCodings) {
  Server();
  const auto whole = Ask("/page.css");
  EXPECT_EQ(whole.body, "plain");
  EXPECT_EQ(whole.Field("Vary"), "Accept-Encoding");
  EXPECT_EQ(Ask("/page.css", "If-None-Match: " + whole.Field("ETag") + "\r\n").status, 304);
  EXPECT_EQ(Ask("/page.css", "If-Modified-Since: " + whole.Field("Last-Modified") + "\r\n").status, 304);
  EXPECT_EQ(Ask("/page.css", "If-Match: \"x\"\r\n").status, 412);
  EXPECT_EQ(Ask("/page.css", "Range: bytes=1-2\r\n").body, "la");
  EXPECT_EQ(Ask("/page.css", "Range: bytes=1-2\r\nIf-Range: \"x\"\r\n").body, "plain");
  EXPECT_EQ(Ask("/page.css", "Range: bytes=5-\r\n").status, 416);
  const auto gzip = Ask("/page.css", "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(gzip.body, "gzipped");
  EXPECT_EQ(gzip.Field("Content-Encoding"), "gzip");
  EXPECT_EQ(gzip.Field("Content-Type"), whole.Field("Content-Type"));
  EXPECT_NE(gzip.Field("ETag"), whole.Field("ETag"));
  EXPECT_EQ(Ask("/page.css", "Accept-Encoding: gzip, br\r\n").body, "brotli");
  EXPECT_EQ(Ask("/page.css", "Accept-Encoding: br;q=0, gzip;q=0\r\n").body, "plain");
  const timeval old[2] = {{1, 0}, {1, 0}};
  ASSERT_EQ(::utimes((scratch_ / "www/page.css.br").c_str(), old), 0);
  EXPECT_EQ(Ask("/page.css", "Accept-Encoding: br\r\n").body, "plain")
      << "an older coding is of another file";
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(MountTest, ALargeFileIsSentWholeAndInParts) {
  const std::string flood = FloodBody(3'000'000);
  for (const std::string& listen : {std::string("127.0.0.1:0"), "unix:" + (scratch_ / "socket")}) {
    Server({}, listen);
    HttpClient client(server_->address());
    for (int i = 0; i < 3; ++i)
      EXPECT_TRUE(client.Ask(Get("/large.bin")).value_or(HttpAnswer{}).body == flood);
    const auto part =
        client.Ask(Get("/large.bin", "Range: bytes=1000000-2099999\r\n")).value_or(HttpAnswer{});
    EXPECT_EQ(part.status, 206);
    EXPECT_TRUE(part.body == flood.substr(1'000'000, 1'100'000));
    const auto parts = client.Ask(Get("/large.bin", "Range: bytes=0-599999,700000-700009,-1000000\r\n"))
                           .value_or(HttpAnswer{});
    EXPECT_EQ(parts.status, 206);
    const std::string boundary =
        "--" + parts.Field("Content-Type").substr(std::string("multipart/byteranges; boundary=").size());
    const auto head = [&](const std::string& range) {
      return boundary + "\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes " + range +
             "/3000000\r\n\r\n";
    };
    EXPECT_TRUE(parts.body == head("0-599999") + flood.substr(0, 600'000) + "\r\n" + head("700000-700009") +
                                  flood.substr(700'000, 10) + "\r\n" + head("2000000-2999999") +
                                  flood.substr(2'000'000) + "\r\n" + boundary + "--\r\n");
    EXPECT_EQ(client.Ask("HEAD /large.bin HTTP/1.1\r\nHost: h\r\n\r\n", true)
                  .value_or(HttpAnswer{})
                  .Field("Content-Length"),
              "3000000");
    ASSERT_TRUE(client.Send(Get("/") + Get("/large.bin") + Get("/docs/")));
    EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).body, "<h1>site</h1>\n");
    EXPECT_TRUE(client.Receive().value_or(HttpAnswer{}).body == flood);
    EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).body, "<h1>docs</h1>\n");
    HttpClient old(server_->address());
    EXPECT_TRUE(old.Ask("GET /large.bin HTTP/1.0\r\n\r\n").value_or(HttpAnswer{}).body == flood);
    EXPECT_EQ(server_->Total("cut"), 0u);
    EXPECT_TRUE(server_->Stop().clean());
  }
}

TEST_F(MountTest, WhatIsWrongWithAMountIsOneLine) {
  const auto complaint = [](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {HYDRAPOOL_BIN_DIR "/hydrapool", "--check"});
    const Finished finished = RunProgram(flags);
    EXPECT_FALSE(finished.ok()) << flags.back();
    EXPECT_EQ(std::ranges::count(finished.output, '\n'), 1) << finished.output;
    return finished.output;
  };
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != text.npos;
  };
  EXPECT_TRUE(has(complaint({"--mount", "/=files:/nonexistent"}), "/nonexistent: No such file or directory"));
  EXPECT_TRUE(has(complaint({"--mount", "/x=program:/nonexistent"}), "the mount at /x: /nonexistent"));
  EXPECT_TRUE(has(complaint({"--mount", "*.x=with:/etc/passwd"}),
                  "the mount at *.x: /etc/passwd: Permission denied"));
  EXPECT_TRUE(has(complaint({"--mount", "/x=program:/etc"}), "not a program"));
  EXPECT_TRUE(
      has(complaint({"--mount", "/=files:/etc", "--mount", "/=files:/usr"}), "another mount is there"));
  for (const std::string bad :
       {"/", "/=", "/=dir:/etc", "x=files:/etc", "/=files:etc", "/../=files:/etc", "/a//b=files:/etc",
        "x.y=with:/bin/sh", "*=with:/bin/sh", "*.a/b=with:/bin/sh"})
    EXPECT_TRUE(has(complaint({"--mount", bad}), "'" + bad + "'")) << bad;
}

}  // namespace
}  // namespace hydrapool::support
