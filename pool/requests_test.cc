#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "pool/testing/http_client.h"
#include "pool/testing/server_process.h"

// Raw requests and what becomes of them, from requests.txt, which says how its lines are read.
namespace hydrapool::support {
namespace {

struct Row {
  std::string section;
  int status = 0;
  bool keeps = false;
  std::string request;
  int line = 0;
};

/// \r, \n, \t, \0, \\, \xHH and {N*c}, which is N times the character c.
std::string Unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{' && text.find('*', i) != text.npos) {
      const auto star = text.find('*', i);
      out.append(std::stoul(text.substr(i + 1, star - i - 1)), text.at(star + 1));
      i = star + 2;
    } else if (text[i] != '\\') {
      out += text[i];
    } else if (text.at(++i) == 'x') {
      out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      const std::string_view letters = "rnt0\\";
      out += std::string_view("\r\n\t\0\\", 5).at(letters.find(text[i]));
    }
  }
  return out;
}

std::vector<Row> Rows() {
  std::vector<Row> rows;
  std::ifstream file(HYDRAPOOL_SOURCE_DIR "/pool/requests.txt");
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    Row row;
    row.line = number;
    std::string connection;
    words >> row.section >> row.status >> connection >> std::ws;
    row.keeps = connection == "keep";
    std::getline(words, row.request);
    rows.push_back(row);
  }
  return rows;
}

TEST(RequestsTest, EachGetsTheAnswerOfTheTable) {
  const auto rows = Rows();
  EXPECT_GE(rows.size(), 300u);
  ServerProcess server;
  for (const Row& row : rows) {
    const std::string where =
        "requests.txt:" + std::to_string(row.line) + " (" + row.section + ") " + row.request;
    const std::string request = Unescaped(row.request);
    HttpClient client(server.address());
    const auto answer = client.Ask(request, request.starts_with("HEAD "));
    ASSERT_TRUE(answer) << where << ": " << client.error();
    EXPECT_EQ(answer->status, row.status) << where << "\n" << answer->head << answer->body;
    if (row.keeps) {
      EXPECT_EQ(client.Ask(Get("/?next")).value_or(HttpAnswer{}).body, "hello next\n") << where;
    }
    EXPECT_EQ(client.Rest(row.keeps), "") << where;
  }
  EXPECT_TRUE(server.Stop().clean());
}

}  // namespace
}  // namespace hydrapool::support
