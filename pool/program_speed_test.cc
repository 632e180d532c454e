#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "pool/testing/http_client.h"
#include "pool/testing/scratch.h"
#include "pool/testing/server_process.h"

// What is answered does not depend on how fast a program says it: at once, byte by byte, or with a pause
// before any of its bytes.
namespace hydrapool::support {
namespace {

struct Sample {
  std::string name;  ///< nph-… : its output is the answer as it is
  std::string output;
  std::string answer;    ///< as OutcomeOf tells it; "": whatever it is at once
  std::string end = "";  ///< of the program, as replay takes it
};

constexpr const char* kFailed = "failed";

const std::vector<Sample> kSamples{
    {"document", "Content-Type: text/plain\n\nbody\n", "200 OK|Content-Type: text/plain||body\n"},
    {"crlf", "Content-Type: a/b\r\nX-One: 1\r\n\r\n\r\nb", "200 OK|Content-Type: a/b|X-One: 1||\r\nb"},
    {"typeless", "X-One: 1\n\nbody", "200 OK|X-One: 1||body"},
    {"fieldless", "\nbody", "200 OK||body"},
    {"empty_type", "Content-Type:\n\nbody", "200 OK||body"},
    {"bare_length", "Content-Length: 4\n\nbody", "200 OK||body"},
    {"reason", "Status: 404 Gone fishing\n\nno\n", "404 Gone fishing||no\n"},
    {"registered", "Status: 421\n\n", "421 Misdirected Request||"},
    {"unregistered", "Status: 599\n\n", "599 Unknown||"},
    {"long", "Content-Length: 2\n\nmore", "200 OK||mo"},
    {"exact_then_killed", "Content-Length: 2\n\nmo", "200 OK||mo", "&kill=9"},
    {"exit_code", "Status: 200\n\nmo", "200 OK||mo", "&code=3"},
    {"unchanged", "Status: 304\nETag: \"x\"\n\nmore", "304 Not Modified|ETag: \"x\"||"},
    {"nothing", "Status: 204\n\nmore", "204 No Content||"},
    {"redirect", "Location: http://x/\n\n", "302 Found|Location: http://x/||"},
    {"redirect_document", "Status: 303\nLocation: /x\nContent-Type: a/b\n\nsee",
     "303 See Other|Content-Type: a/b|Location: /x||see"},
    {"local", "Location: /cgi-bin/replay?of=document\n\n", "200 OK|Content-Type: text/plain||body\n"},
    {"coded", "Transfer-Encoding: chunked\n\n3\r\nbod\r\n1;x=\"y\"\r\ny\r\n0\r\nT: 1\r\n\r\n",
     "200 OK||body"},
    {"coded_beside_a_length", "Content-Length: 9\nTransfer-Encoding: chunked\n\n4\r\nbody\r\n0\r\n\r\n",
     "200 OK||body"},
    {"coded_and_more", "Transfer-Encoding: chunked\n\n2\r\nbo\r\n0\r\n\r\nmore", "200 OK||bo"},
    {"coded_then_killed", "Transfer-Encoding: chunked\n\n2\r\nbo\r\n0\r\n\r\n", "200 OK||bo", "&kill=9"},
    {"coded_nothing", "Transfer-Encoding: chunked\n\n0\r\n\r\n", "200 OK||"},
    {"coded_badly", "Transfer-Encoding: chunked\n\n2\r\nbox0\r\n\r\n", kFailed},
    {"coded_short", "Transfer-Encoding: chunked\n\n4\r\nbod", kFailed},
    {"coded_endless", "Transfer-Encoding: chunked\n\n3\r\nbod\r\n", kFailed},
    {"coded_otherwise", "Transfer-Encoding: gzip\n\nbody", kFailed},
    {"short", "Content-Length: 9\n\nbody", kFailed},
    {"killed", "Status: 200\n\nbody", kFailed, "&kill=11"},
    {"status_line", "HTTP/1.1 404 Not There\r\nContent-Type: a/b\r\n\r\nno",
     "404 Not There|Content-Type: a/b||no"},
    {"local_with_cookie", "Set-Cookie: a=b\nLocation: /x\n\n", "302 Found|Location: /x|Set-Cookie: a=b||"},
    {"no_head", "just a text\n", kFailed},
    {"half_a_head", "Content-Type: text/plain\n", kFailed},
    {"silent", "", kFailed},
    {"bad_status", "Status: 99\n\n", kFailed},
    {"nph-document", "HTTP/1.1 202 Mine\r\nX-One: 1\r\nConnection: close\r\n\r\nraw",
     "202 Mine|X-One: 1||raw"},
    {"nph-none", "Status: 200\n\nraw", kFailed},
};

/// What the programs of scripts/cgi say when they are run by hand.
std::vector<Sample> Programs() {
  std::vector<Sample> samples;
  for (const std::string command :
       {"hello", "flood bytes=96", "flood bytes=64&length=1", "redirect", "stderr", "redirect document",
        "slow before=0&lines=3", "noheader", "silent"}) {
    std::istringstream words(command);
    std::string program, query;
    words >> program >> query;
    const std::string line =
        fmt::format("REQUEST_METHOD=GET QUERY_STRING='{}' {}/{} 2>/dev/null", query, SamplesDir(), program);
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(line.c_str(), "r"), ::pclose);
    Sample sample{.name = fmt::format("sample{}", samples.size()), .output = {}, .answer = {}};
    for (int c; (c = std::fgetc(pipe.get())) != EOF;) sample.output += static_cast<char>(c);
    samples.push_back(sample);
  }
  return samples;
}

/// The answer without what may differ: its date, who serves it, and how it is framed.
std::string OutcomeOf(const std::optional<HttpAnswer>& answer) {
  if (!answer || answer->body.starts_with("502 Bad Gateway")) return kFailed;
  const std::set<std::string> kLeftOut{"Date", "Server", "Content-Length", "Transfer-Encoding", "Connection"};
  std::istringstream lines(answer->head);
  std::string line, outcome;
  std::set<std::string> fields;
  std::getline(lines, line);
  outcome = line.substr(9, line.find('\r') - 9);
  while (std::getline(lines, line) && line != "\r") {
    if (!kLeftOut.contains(line.substr(0, line.find(':')))) fields.insert(line.substr(0, line.size() - 1));
  }
  for (const std::string& field : fields) outcome += "|" + field;
  return outcome + "||" + answer->body;
}

class ProgramSpeedTest : public ::testing::Test {
 protected:
  ProgramSpeedTest() {
    for (const std::string name : {"replay", "nph-replay"})
      std::filesystem::copy_file(SamplesDir() + "/replay", programs_ / name);
    server_.emplace(ServerOptions{.cgi_dir = programs_.path().string()});
  }

  /// One request for each speed, all at the same time.
  void AskAll(const Sample& sample, const std::vector<std::string>& speeds, const std::string& method,
              const std::string& version, const std::string& expected) {
    std::vector<std::pair<std::string, HttpClient>> clients;
    const std::string program = sample.name.starts_with("nph-") ? "nph-replay" : "replay";
    for (const std::string& speed : speeds) {
      const std::string target =
          fmt::format("/cgi-bin/{}?of={}{}{}", program, sample.name, speed, sample.end);
      clients.emplace_back(target, HttpClient(server_->address()));
      const std::string request =
          fmt::format("{} {} HTTP/{}\r\nHost: h\r\nConnection: close\r\n\r\n", method, target, version);
      ASSERT_TRUE(clients.back().second.Send(request));
    }
    for (auto& [target, client] : clients) {
      // An nph- program speaks for itself, to a HEAD as well.
      const bool head = method == "HEAD" && program == "replay";
      EXPECT_EQ(OutcomeOf(client.Receive(head)), expected)
          << method << " " << target << " HTTP/" << version << ": " << client.error();
    }
  }

  static std::vector<std::string> Speeds(std::size_t size, std::size_t step) {
    std::vector<std::string> speeds{"", "&every=1&ms=0", "&every=7&ms=25"};
    for (std::size_t cut = 1; cut < size; cut += step) speeds.push_back(fmt::format("&cut={}&ms=40", cut));
    return speeds;
  }

  void Try(const Sample& sample) {
    std::ofstream(programs_.path() / sample.name) << sample.output;
    std::string expected = sample.answer;
    if (expected.empty()) {
      HttpClient client(server_->address());
      expected = OutcomeOf(client.Ask(Get("/cgi-bin/replay?of=" + sample.name)));
    }
    AskAll(sample, Speeds(sample.output.size(), 1), "GET", "1.1", expected);
    // By the connection's end a client of HTTP/1.0 cannot be told of a failure but by a reset, which comes
    // late.
    if (expected != kFailed) AskAll(sample, Speeds(sample.output.size(), 5), "GET", "1.0", expected);
  }

  ScratchDir programs_;
  std::optional<ServerProcess> server_;
};

TEST_F(ProgramSpeedTest, EveryKindOfOutputIsAnsweredTheSameAtAnySpeed) {
  for (const Sample& sample : kSamples) Try(sample);
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(ProgramSpeedTest, EverySampleProgramIsAnsweredTheSameAtAnySpeed) {
  for (const Sample& sample : Programs()) Try(sample);
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(ProgramSpeedTest, AHeadRequestIsAnsweredTheSameAtAnySpeed) {
  for (const Sample& sample : kSamples) {
    if (sample.answer == kFailed || sample.name.starts_with("nph-")) continue;
    std::ofstream(programs_.path() / "document") << kSamples.front().output;
    std::ofstream(programs_.path() / sample.name) << sample.output;
    const std::string expected = sample.answer.substr(0, sample.answer.find("||") + 2);
    AskAll(sample, Speeds(sample.output.size(), 5), "HEAD", "1.1", expected);
  }
  EXPECT_TRUE(server_->Stop().clean());
}

TEST(StrictHeadTest, RefusesDocumentsThatSayNothingOfThemselves) {
  ScratchDir programs;
  WriteProgram(programs / "typeless", "#!/bin/sh\nprintf 'X-One: 1\\n\\nbody'\n");
  WriteProgram(programs / "typed", "#!/bin/sh\nprintf 'Content-Type: a/b\\n\\nbody'\n");
  ServerProcess server({.cgi_dir = programs.path().string(), .flags = {"--cgi-strict"}});
  HttpClient client(server.address());
  EXPECT_EQ(client.Ask(Get("/cgi-bin/typeless")).value_or(HttpAnswer{}).status, 502);
  EXPECT_EQ(client.Ask(Get("/cgi-bin/typed")).value_or(HttpAnswer{}).status, 200);
}

}  // namespace
}  // namespace hydrapool::support
