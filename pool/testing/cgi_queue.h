#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "pool/admin/client.h"
#include "pool/testing/http_client.h"
#include "pool/testing/scratch.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {

/// A server with fewer programs at once than there are requests for them; the programs note when they run.
class CgiQueueTest : public ::testing::Test {
 protected:
  void Script(const std::string& name, const std::string& text) { WriteProgram(programs_ / name, text); }
  ServerProcess& Start(int most, std::vector<std::string> flags = {}, const std::string& failpoints = "") {
    if (std::ranges::find(flags, "--cgi-queue-timeout") == flags.end()) {
      flags.insert(flags.end(), {"--cgi-queue-timeout", "60s"});  // a slow machine refuses nobody
    }
    flags.insert(flags.end(), {"--max-cgi", std::to_string(most), "--cgi-env", "MARKS=" + (marks_ / "marks"),
                               "--cgi-env", "GO=" + (marks_ / "go")});
    return server_.emplace(ServerOptions{.workers = 4,
                                         .cgi_dir = programs_.path(),
                                         .flags = flags,
                                         .supervised = supervised_,
                                         .failpoints = failpoints});
  }
  void Go() const { std::ofstream(marks_ / "go") << "go"; }
  [[nodiscard]] std::vector<std::string> Marks() const {
    std::vector<std::string> marks;
    std::istringstream text(ReadFile(marks_ / "marks"));
    for (std::string line; std::getline(text, line);) marks.push_back(line);
    return marks;
  }
  [[nodiscard]] std::string Metric(const std::string& name) const {
    const auto page = admin::HttpGet("http://" + server_->admin() + "/metrics", std::chrono::seconds(5));
    if (!page) return "";
    const auto at = page->body.find("\n" + name + " ");
    if (at == std::string::npos) return "";
    const auto begin = at + name.size() + 2;
    return page->body.substr(begin, page->body.find('\n', begin) - begin);
  }
  bool AwaitQueued(int count) const {
    return Eventually([&] { return Metric("hydrapool_cgi_queued") == std::to_string(count); });
  }
  /// So many ask one after the other, each when the one before runs or waits.
  void LineUp(int count) {
    for (int i = 0; i < count; ++i) {
      clients_.emplace_back(server_->address());
      ASSERT_TRUE(clients_.back().Send(Get(fmt::format("/cgi-bin/wait?{}", i))));
      order_.push_back(fmt::format("+{}", i));
      ASSERT_TRUE(i == 0 ? Eventually([&] { return Marks().size() == 1; }) : AwaitQueued(i));
    }
  }
  /// They are answered, and their programs were started as they had come.
  void ExpectTurnsKept() {
    Go();
    for (HttpClient& client : clients_) EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).status, 200);
    EXPECT_EQ(Marks(), order_);
  }

  bool supervised_ = false;
  ScratchDir programs_;
  ScratchDir marks_;
  std::optional<ServerProcess> server_;
  std::deque<HttpClient> clients_;
  std::vector<std::string> order_;
};

constexpr const char* kMark =
    "#!/bin/sh\necho \"+$QUERY_STRING\" >>$MARKS\nread body\necho - >>$MARKS\n"
    "printf 'Content-Type: text/plain\\n\\n%s' \"$body\"\n";
constexpr const char* kMarkUntilTold =
    "#!/bin/sh\necho \"+$QUERY_STRING\" >>$MARKS\nwhile [ ! -e $GO ]; do sleep 0.05; done\n"
    "printf 'Content-Type: text/plain\\n\\nok'\n";

}  // namespace hydrapool::support
