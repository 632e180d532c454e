#include "loadgen/plan/request_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "pool/sys/scratch_dir.h"

namespace hydrapool::loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class RequestFileTest : public ::testing::Test {
 protected:
  sys::Result<void> Fill(const std::string& content, Plan& plan, const std::string& base = {}) const {
    std::ofstream(path_, std::ios::binary) << content;
    return FillRequests(path_, base, headers_, plan);
  }
  [[nodiscard]] std::string Complaint(const std::string& content) const {
    Plan plan;
    const auto filled = Fill(content, plan);
    return filled ? "no complaint" : filled.error().message;
  }

  const sys::ScratchDir scratch_{"loadgen-requests"};
  std::vector<std::string> headers_ = {};
  const std::string path_ = scratch_ / "requests";
};

TEST_F(RequestFileTest, OneRequestALine) {
  Plan plan;
  headers_ = {"X-All: 1"};
  const auto filled = Fill(
      "# shop\n\nh/a\nDELETE http://h/b\n"
      R"({"url": "http://h/c", "headers": {"A": "b"}, "body": "x={counter}", "weight": 3})"
      "\n"
      R"({"method": "PUT", "url": "https://h/d", "headers": ["B: c", "Accept:", "x-all;"]})",
      plan);
  ASSERT_TRUE(filled) << filled.error().message;
  EXPECT_THAT(UrlsOf(plan), ElementsAre("http://h/a", "http://h/b", "http://h/c", "https://h/d"));
  EXPECT_EQ(plan.targets[2].weight, 3u);
  EXPECT_EQ(plan.targets[3].weight, 1u);
  EXPECT_EQ(plan.targets[0].method, "GET");
  EXPECT_FALSE(plan.targets[0].body);
  EXPECT_EQ(plan.targets[1].method, "DELETE");
  EXPECT_EQ(plan.targets[2].method, "POST");
  EXPECT_EQ(plan.targets[2].body, "x={counter}");
  EXPECT_THAT(plan.targets[2].headers, ElementsAre("X-All: 1", "A: b"));
  EXPECT_EQ(plan.targets[3].body, "");
  EXPECT_THAT(plan.targets[3].headers, ElementsAre("B: c", "Accept:", "x-all;"));
}

TEST_F(RequestFileTest, UrlsWithoutASchemeBelongToTheBase) {
  Plan plan;
  const auto filled = Fill("/a?q={counter}\r\nPOST b\n?page=2\nhttp://other/\nHEAD ../up\n", plan,
                           "h:8080/shop/list?old=1#x");
  ASSERT_TRUE(filled) << filled.error().message;
  EXPECT_THAT(UrlsOf(plan),
              ElementsAre("http://h:8080/a?q={counter}", "http://h:8080/shop/b",
                          "http://h:8080/shop/list?page=2", "http://other/", "http://h:8080/up"));
  EXPECT_EQ(plan.targets[1].method, "POST");
  Plan none;
  EXPECT_THAT(Fill("/a", none, "http://h:99999").error().message, HasSubstr("'http://h:99999' is not a URL"));
  EXPECT_THAT(Complaint("/a"), HasSubstr(":1: '/a' lacks the URL it belongs to"));
}

TEST_F(RequestFileTest, ABodyMayBeAnyBytes) {
  Plan plan;
  const auto filled = Fill(R"({"url": "http://h/", "body_base64": "AP97Y291bnRlcn0="})", plan);
  ASSERT_TRUE(filled) << filled.error().message;
  EXPECT_EQ(plan.targets[0].body, std::string_view("\0\xff{counter}", 11));
  EXPECT_TRUE(plan.targets[0].body.as_it_is());
  EXPECT_EQ(plan.targets[0].method, "POST");
  EXPECT_THAT(Complaint(R"({"url": "h", "body_base64": "AP9"})"), HasSubstr("is not base64"));
  EXPECT_THAT(Complaint(R"({"url": "h", "body_base64": "AP8=", "body": "x"})"),
              HasSubstr("exclude each other"));
}

TEST_F(RequestFileTest, AKeyThatIsThereTwiceIsRefused) {
  EXPECT_THAT(Complaint("h/a\n{\"url\": \"h\", \"body\": \"x\", \"body\": \"y\"}"),
              EndsWith("requests:2: \"body\" is there twice"));
  EXPECT_THAT(Complaint(R"({"url": "h", "headers": {"A": "b", "A": "c"}})"),
              EndsWith(":1: \"A\" is there twice"));
  Plan plan;
  EXPECT_TRUE(Fill(R"({"url": "h", "headers": {"url": "c"}})", plan));
}

TEST_F(RequestFileTest, WhatIsWrongIsSaidWithFileAndLine) {
  EXPECT_THAT(Complaint("h/a\n{\"url\": \n"), EndsWith(":2: not a JSON object"));
  EXPECT_THAT(Complaint("h/a\n\nftp://h\n"), HasSubstr(":3: 'ftp://h': only http and https"));
  EXPECT_THAT(Complaint("{}"), HasSubstr(":1: a URL is required"));
  EXPECT_THAT(Complaint(R"({"url": "h", "body": 7})"), HasSubstr(":1: \"body\": 7"));
  EXPECT_THAT(Complaint(R"({"url": "h", "weight": 0})"), HasSubstr(":1: \"weight\": 0"));
  EXPECT_THAT(Complaint(R"({"url": "h", "colour": "red"})"), HasSubstr(":1: \"colour\""));
  EXPECT_THAT(Complaint("h/a \nGET"), HasSubstr("requests:2: GET lacks its URL"));
  EXPECT_THAT(Complaint("GET  "), HasSubstr("GET lacks its URL"));
  EXPECT_THAT(Complaint(R"([{"url": "h"}])"), HasSubstr("one request a line"));
  EXPECT_THAT(Complaint("POST http://h/\n@body.json"), HasSubstr("requests:2: a body is said as JSON"));
  EXPECT_THAT(Complaint(R"({"url": "h", "headers": ["no colon"]})"), HasSubstr("'no colon' is not a header"));
  EXPECT_THAT(Complaint("G3T h"), HasSubstr("'G3T' is not a method"));
  EXPECT_THAT(Complaint("GET h HTTP/1.1"), HasSubstr("more than METHOD URL"));
  EXPECT_THAT(Complaint("# nothing\n"), EndsWith("has no requests"));
  Plan plan;
  EXPECT_THAT(FillRequests("/no/such/file", "", {}, plan).error().message,
              HasSubstr("/no/such/file: No such file"));
}

}  // namespace
}  // namespace hydrapool::loadgen
