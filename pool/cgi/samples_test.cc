#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "pool/cgi/environment.h"
#include "pool/cgi/response_head.h"
#include "pool/cgi/script_path.h"
#include "pool/cgi/spawn_fixture.h"

namespace hydrapool::cgi {
namespace {

/// The parts of this folder in their order, on the sample programs of scripts/cgi: path → script →
/// environment → process → head.
class SamplesTest : public testing::Test {
 protected:
  struct Answer {
    std::string output, errors;
    int status = -1;
    std::variant<http::NeedMore, ResponseHead, Malformed> parsed;
    [[nodiscard]] const ResponseHead& head() const { return std::get<ResponseHead>(parsed); }
    [[nodiscard]] std::string body() const { return output.substr(head().head_size); }
  };

  /// `answer` is filled where it stays: its head's views point into its output.
  void Ask(std::string_view target, Answer& answer, std::string_view body = {}) {
    const auto question = target.find('?');
    http::Request request{.method = body.empty() ? "GET" : "POST",
                          .target = target,
                          .path = target.substr(0, question),
                          .query = question == target.npos ? "" : target.substr(question + 1),
                          .host = "localhost",
                          .body = body.empty() ? http::BodyKind::kNone : http::BodyKind::kLength,
                          .content_length = body.size(),
                          .fields = {}};
    const auto script = scripts_.Resolve(request.path);
    ASSERT_TRUE(script) << script.error().reason;
    const auto environment = Environment::Build(request, *script, server_, {});
    ASSERT_TRUE(environment);

    Pipe in, out, err;
    std::vector<char*> argv{const_cast<char*>(script->absolute_path.c_str()), nullptr};
    const auto spawned = Spawn({.directory_fd = script->directory.get(),
                                .program = script->file,
                                .argv = argv.data(),
                                .envp = environment->envp(),
                                .stdin_fd = in.read.get(),
                                .stdout_fd = out.write.get(),
                                .stderr_fd = err.write.get(),
                                .expected_parent = ::getpid(),
                                .clone_parent = false});
    ASSERT_TRUE(spawned) << spawned.error().message;
    out.write.Reset();
    err.write.Reset();
    ASSERT_EQ(::write(in.write.get(), body.data(), body.size()), static_cast<ssize_t>(body.size()));
    in.write.Reset();
    answer.output = ReadAll(out.read.get());
    answer.errors = ReadAll(err.read.get());
    answer.status = Reap(*spawned);
    answer.parsed = ParseResponseHead(answer.output);
  }

  ScriptDirectory scripts_{HYDRAPOOL_BIN_DIR "/../cgi-bin", "/cgi-bin/"};
  ServerFacts server_;
};

TEST_F(SamplesTest, Hello) {
  Answer answer;
  Ask("/cgi-bin/hello?a=1", answer);
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.head().content_type, "text/plain");
  EXPECT_EQ(answer.body(), "hello a=1\n");
}

TEST_F(SamplesTest, EnvShowsTheVariablesOfTheRequest) {
  Answer answer;
  Ask("/cgi-bin/env/more", answer);
  EXPECT_NE(answer.body().find("\nPATH_INFO=/more\n"), std::string::npos) << answer.body();
  EXPECT_NE(answer.body().find("argv[0]: " + scripts_.root() + "/env\n"), std::string::npos) << answer.body();
}

TEST_F(SamplesTest, EchoGivesTheBodyBackAndStopsAtItsLength) {
  Answer answer;
  Ask("/cgi-bin/echo", answer, "a body\nof two lines");
  EXPECT_EQ(answer.head().content_length, 19u);
  EXPECT_EQ(answer.body(), "a body\nof two lines");
}

TEST_F(SamplesTest, FloodIsWhatItSaysByteForByte) {
  Answer answer;
  Ask("/cgi-bin/flood?bytes=200000&length=1", answer);
  const auto body = answer.body();
  ASSERT_EQ(body.size(), 200000u);
  EXPECT_EQ(answer.head().content_length, 200000u);
  for (std::size_t offset = 0; offset < body.size(); offset += 16) {
    ASSERT_EQ(std::stoul(body.substr(offset, 15), nullptr, 16), offset);
    ASSERT_EQ(body[offset + 15], '\n');
  }
}

TEST_F(SamplesTest, RecordLeavesOneLineForEachExecution) {
  const auto file = std::filesystem::temp_directory_path() / ("samples_test." + std::to_string(::getpid()));
  server_.extra = {"HYDRAPOOL_RECORD_FILE=" + file.string()};
  Answer first, second;
  Ask("/cgi-bin/record?id=one", first);
  Ask("/cgi-bin/record?id=two&ms=1", second, "12345");
  EXPECT_EQ(first.body(), "one\n");
  EXPECT_EQ(second.body(), "two\n");
  std::ifstream lines(file);
  std::string method, id, pid;
  EXPECT_TRUE(lines >> method >> id >> pid && method == "GET" && id == "one");
  EXPECT_TRUE(lines >> method >> id >> pid && method == "POST" && id == "two");
  EXPECT_FALSE(lines >> method);
  std::filesystem::remove(file);
}

TEST_F(SamplesTest, TheBadOnesAreBadEachInItsWay) {
  Answer noheader, silent, early, midhead, body;
  Ask("/cgi-bin/noheader", noheader);
  EXPECT_TRUE(std::holds_alternative<Malformed>(noheader.parsed));
  Ask("/cgi-bin/silent", silent);
  EXPECT_TRUE(std::holds_alternative<http::NeedMore>(silent.parsed));
  Ask("/cgi-bin/crash", early);
  EXPECT_EQ(early.output, "");
  EXPECT_EQ(WTERMSIG(early.status), SIGSEGV);
  Ask("/cgi-bin/crash?when=head", midhead);
  EXPECT_TRUE(std::holds_alternative<http::NeedMore>(midhead.parsed));
  Ask("/cgi-bin/crash?when=body", body);
  EXPECT_LT(body.body().size(), body.head().content_length);
}

TEST_F(SamplesTest, StderrKeepsItsLinesApartFromTheAnswer) {
  Answer answer;
  Ask("/cgi-bin/stderr", answer);
  EXPECT_EQ(answer.body(), "look into the log\n");
  EXPECT_EQ(answer.errors, "first line on stderr\nsecond line on stderr\na last line without an end");
}

TEST_F(SamplesTest, Redirects) {
  Answer local, client, document;
  Ask("/cgi-bin/redirect?local", local);
  EXPECT_EQ(local.head().kind, ResponseKind::kLocalRedirect);
  Ask("/cgi-bin/redirect", client);
  EXPECT_EQ(client.head().kind, ResponseKind::kClientRedirect);
  Ask("/cgi-bin/redirect?document", document);
  EXPECT_EQ(document.head().kind, ResponseKind::kClientRedirectDocument);
  EXPECT_EQ(document.head().status, 303);
}

TEST_F(SamplesTest, GitAnswersForAProjectThatIsNotThere) {
  server_.extra = {"GIT_PROJECT_ROOT=/nonexistent", "GIT_HTTP_EXPORT_ALL=1"};
  Answer answer;
  Ask("/cgi-bin/git/none.git/info/refs?service=git-upload-pack", answer);
  EXPECT_EQ(answer.head().status, 404);
}

}  // namespace
}  // namespace hydrapool::cgi
