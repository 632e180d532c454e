#include "pool/cgi/guards.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "pool/cgi/passwords.h"
#include "pool/sys/scratch_dir.h"

namespace hydrapool::cgi {
namespace {

constexpr const char* kApr1 = "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0";

TEST(GuardLineTest, IsAPathAndAFile) {
  const auto read = [](const std::string& text) {
    const auto guard = Guard::Parse(text);
    return guard ? guard->at + " " + guard->file : guard.error().message;
  };
  EXPECT_EQ(read("/private=/etc/htpasswd"), "/private /etc/htpasswd");
  EXPECT_EQ(read("/private/=/etc/htpasswd"), "/private /etc/htpasswd");
  EXPECT_EQ(read("/=/etc/htpasswd"), " /etc/htpasswd");
  for (const auto* bad :
       {"", "/", "/x", "/x=", "/x=file", "x=/file", "/../x=/file", "//x=/file", "/a%20b=/file"})
    EXPECT_TRUE(read(bad).starts_with("'")) << bad;
}

TEST(CredentialsTest, AreReadAsRfc7617HasThem) {
  const auto read = [](std::string_view field) {
    const auto credentials = Credentials::Parse(field);
    return credentials ? credentials->user + "|" + credentials->password : "none";
  };
  EXPECT_EQ(read("Basic am9lOnNlY3JldA=="), "joe|secret");
  EXPECT_EQ(read("basic   am9lOnNlY3JldA=="), "joe|secret");
  EXPECT_EQ(read("Basic am9lOg=="), "joe|");
  EXPECT_EQ(read("Basic am9lOmE6Yg=="), "joe|a:b");
  for (const auto* bad :
       {"", "Basic", "Basic ", "Bearer am9lOnNlY3JldA==", "Basic am9l", "Basic OnNlY3JldA==",
        "Basic am9lOnNlY3JldA", "Basic am9lOnNlY3JldA=", "Basic am9l OnNl", "Basic am9lOnN*Y3JldA==",
        "Basicam9lOnNlY3JldA==", "Basic am9lOgA=", "Basic ====", "Basic =", "Basic am9lCjp4"})
    EXPECT_EQ(read(bad), "none") << bad;
}

class GuardsTest : public testing::Test {
 protected:
  GuardsTest() {
    std::ofstream(scratch_ / "joe") << "joe:" << kApr1 << "\n";
    std::ofstream(scratch_ / "ann") << "ann:" << kApr1 << "\n";
    guards_ = std::make_unique<Guards>(
        std::vector<Guard>{{"/private", scratch_ / "joe"}, {"/private/ann", scratch_ / "ann"}}, "site");
  }
  [[nodiscard]] bool Passes(std::string_view path, std::string_view authorization) {
    const std::vector<http::Field> fields{{"Authorization", authorization}};
    return guards_->Passes({.path = path, .fields = fields});
  }
  const sys::ScratchDir scratch_{"guards_test"};
  std::unique_ptr<Guards> guards_;
};

TEST_F(GuardsTest, NoSpellingOfAPathGoesRoundThem) {
  for (const auto* path :
       {"/private", "/private/", "/private/x", "//private", "/./private", "/%70rivate", "/x/../private/x",
        "/private/./ann/..", "/PRIVATE/../private", "/x/%2e%2e/private", "/private%2fx"}) {
    EXPECT_TRUE(guards_->Covers(path)) << path;
    EXPECT_FALSE(Passes(path, "")) << path;
    EXPECT_TRUE(Passes(path, "Basic am9lOnNlY3JldA==")) << path;
    EXPECT_FALSE(Passes(path, "Basic am9lOndyb25n")) << path;
  }
  for (const auto* path : {"/", "/privates", "/x/private", "/private/../x", "*"}) {
    EXPECT_FALSE(guards_->Covers(path)) << path;
    EXPECT_TRUE(Passes(path, "")) << path;
  }
}

TEST_F(GuardsTest, WhatAPathHasLedToIsGuardedToo) {
  EXPECT_TRUE(guards_->CoversAny({"/other", "/private/x"}));
  EXPECT_FALSE(guards_->CoversAny({"/other", "/privates", ""}));
  EXPECT_FALSE(guards_->CoversAny({}));
  const auto passes = [this](std::string_view authorization) {
    const std::vector<http::Field> fields{{"Authorization", authorization}};
    return guards_->PassesTo({.path = "/private/", .fields = fields}, {"/x", "/private/ann"});
  };
  EXPECT_FALSE(passes(""));
  EXPECT_FALSE(passes("Basic am9lOnNlY3JldA==")) << "joe, of the directory";
  EXPECT_TRUE(passes("Basic YW5uOnNlY3JldA=="));
  EXPECT_TRUE(guards_->PassesTo({.path = "/x/"}, {"/x/index.html"}));
  const std::vector<http::Field> fields{{"Authorization", "Basic am9lOnNlY3JldA=="}};
  EXPECT_EQ(guards_->UserOf({.path = "/", .fields = fields}, {"/private"}), "joe");
}

TEST_F(GuardsTest, TheLongestPathCounts) {
  EXPECT_FALSE(Passes("/private/ann/x", "Basic am9lOnNlY3JldA=="));
  EXPECT_TRUE(Passes("/private/ann/x", "Basic YW5uOnNlY3JldA=="));
  EXPECT_FALSE(Passes("/private/x", "Basic YW5uOnNlY3JldA=="));
  EXPECT_EQ(guards_->challenge(), "WWW-Authenticate: Basic realm=\"site\", charset=\"UTF-8\"\r\n");
  const std::vector<http::Field> fields{{"Authorization", "Basic am9lOnNlY3JldA=="}};
  EXPECT_EQ(guards_->UserOf({.path = "/private/x", .fields = fields}), "joe");
  EXPECT_EQ(guards_->UserOf({.path = "/x", .fields = fields}), std::nullopt);
}

TEST_F(GuardsTest, OnlyThoseWhoAreAllowedOrInAGroupThatIs) {
  const std::string groups = scratch_ / "groups";
  std::ofstream(groups) << "# who\nadmins: ann\n\nstaff: eve joe\n";
  const std::string file = scratch_ / "joe";
  const auto passes = [&](const std::string& allowed) {
    Guards guards({{"/private", file}, *Guard::ParseAllowed("/private=" + allowed)}, "site", groups);
    const std::vector<http::Field> fields{{"Authorization", "Basic am9lOnNlY3JldA=="}};
    return guards.Passes({.path = "/private/x", .fields = fields});
  };
  EXPECT_TRUE(passes("joe"));
  EXPECT_TRUE(passes("ann,joe"));
  EXPECT_TRUE(passes("@staff"));
  EXPECT_TRUE(passes("ann,@admins,@staff"));
  for (const auto* none : {"ann", "@admins", "@none", "staff", "JOE"}) EXPECT_FALSE(passes(none)) << none;
  for (const auto* bad : {"/private", "/private=", "/private=,", "/private=@", "private=joe", "/a/../b=joe"})
    EXPECT_FALSE(Guard::ParseAllowed(bad)) << bad;
  EXPECT_THROW(Guards({{"/private", file}, *Guard::ParseAllowed("/other=joe")}, "site"), std::runtime_error);
  EXPECT_THROW(Guards({{"/private", file}, {"/private", file}}, "site"), std::runtime_error);
  EXPECT_THROW(Guards({{"/private", file}, *Guard::ParseAllowed("/private=@staff")}, "site"),
               std::runtime_error);
  std::ofstream(groups) << "no group\n";
  EXPECT_THROW(Groups{groups}, std::runtime_error);
  const std::string fifo = scratch_ / "fifo";  // to open it would be to wait
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THROW(Groups{fifo}, std::runtime_error);
  EXPECT_THROW(Passwords{fifo}, std::runtime_error);
}

TEST_F(GuardsTest, AGroupFileThatHasChangedIsReadAgain) {
  const std::string path = scratch_ / "groups";
  std::ofstream(path) << "admins: ann\n";
  Groups groups(path);
  EXPECT_TRUE(groups.Has("admins", "ann"));
  EXPECT_FALSE(groups.Has("admins", "joe"));
  std::ofstream(path + ".new") << "admins: joe\n";
  std::filesystem::last_write_time(path + ".new",
                                   std::filesystem::last_write_time(path) + std::chrono::seconds(2));
  std::filesystem::rename(path + ".new", path);
  EXPECT_TRUE(groups.Has("admins", "joe"));
  EXPECT_FALSE(groups.Has("admins", "ann"));
}

}  // namespace
}  // namespace hydrapool::cgi
