#include "pool/cgi/mounts.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pool/cgi/places.h"
#include "pool/sys/scratch_dir.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::cgi {
namespace {

using Kind = Mount::Kind;

/// "KIND AT PATH", or what is wrong.
std::string Read(const std::string& text) {
  const auto mount = Mount::Parse(text);
  if (!mount) return mount.error().message;
  return std::to_string(static_cast<int>(mount->kind)) + " " + mount->at + " " + mount->path;
}

TEST(MountLineTest, SaysWhereWhatAndFromWhere) {
  EXPECT_EQ(Read("/cgi-bin/=cgi:/usr/lib/cgi-bin"), "0 /cgi-bin/ /usr/lib/cgi-bin");
  EXPECT_EQ(Read("/cgi-bin=cgi:/usr/lib/cgi-bin"), "0 /cgi-bin/ /usr/lib/cgi-bin");
  EXPECT_EQ(Read("/git/=program:/usr/bin/git=x"), "1 /git /usr/bin/git=x");
  EXPECT_EQ(Read("/=program:/bin/x"), "1 / /bin/x");
  EXPECT_EQ(Read("/=files:/srv/www"), "2 / /srv/www");
  EXPECT_EQ(Read("/100%/=files:/srv"), "2 /100%/ /srv") << "no escape";
  EXPECT_EQ(Read("*.php=with:/usr/bin/php-cgi"), "3 .php /usr/bin/php-cgi");
  EXPECT_EQ(Read("*.tar.x=with:/bin/x"), "3 .tar.x /bin/x");
  for (const auto* bad :
       {"", "=", "/", "/=", "/=files:", "/=files:srv", "/=other:/srv", "files:/srv", "srv=files:/srv",
        "/a/../b=files:/srv", "/a//=files:/srv", "/./=files:/srv", "*.x=files:/srv", "*=with:/x", "x=with:/x",
        "*.*=with:/x", "*.a/b=with:/x", "/a%20b/=files:/srv", "//host/a%2fb=program:/x"})
    EXPECT_TRUE(Read(bad).starts_with("'")) << bad << ": " << Read(bad);
}

TEST(MountLineTest, MayBeOfOneHost) {
  const auto mount = Mount::Parse("//Wiki.Example.org:8080/w=files:/srv/wiki");
  ASSERT_TRUE(mount);
  EXPECT_EQ(mount->host, "wiki.example.org");
  EXPECT_EQ(mount->at, "/w/");
  EXPECT_EQ(Mount::Parse("//[::1]/=files:/srv")->host, "[::1]");
  for (const auto* bad : {"//=files:/srv", "///=files:/srv", "//a b/=files:/srv", "//host=files:/srv"})
    EXPECT_FALSE(Mount::Parse(bad)) << bad;
}

class MountsTest : public testing::Test {
 protected:
  MountsTest() {
    for (const std::string directory : {"www/cgi", "www/a/b", "cgi"})
      std::filesystem::create_directories(base_ / directory);
    for (const std::string program : {"cgi/tool", "backend", "www/cgi/page.php"}) Make(program, 0755);
    for (const std::string file : {"www/index.html", "www/a/index.php", "www/a/b/x.txt", "www/page.php"})
      Make(file, 0644);
    mounts_ = std::make_unique<Mounts>(std::vector<Mount>{{Kind::kFiles, "/", Path("www")},
                                                          {Kind::kPrograms, "/cgi/", Path("cgi")},
                                                          {Kind::kProgram, "/git", Path("backend")},
                                                          {Kind::kProgram, "/git/deep", Path("backend")},
                                                          {Kind::kWith, ".php", "/bin/sh"}},
                                       MountRules{.scripts = {}, .index = {"index.html", "index.php"}});
  }
  void Make(const std::string& name, mode_t mode) const {
    std::ofstream(base_ / name) << "#!/bin/sh\n";
    ::chmod((base_ / name).c_str(), mode);
  }
  [[nodiscard]] std::string Path(const std::string& name) const { return (base_ / name).string(); }

  /// "program NAME INFO", "with NAME INFO", "file BELOW", "moved PATH", or a status.
  [[nodiscard]] std::string Find(std::string_view path) const {
    const auto target = mounts_->Find(path);
    if (!target) return std::to_string(target.error().status);
    if (const auto* file = std::get_if<FileFound>(&*target)) return "file " + file->below;
    if (const auto* missing = std::get_if<SlashMissing>(&*target)) return "moved " + missing->path;
    const auto& script = std::get<Script>(*target);
    return (script.interpreter.empty() ? "program " : "with ") + script.name + " " + script.path_info;
  }

  const sys::ScratchDir scratch_{"mounts_test"};
  const std::filesystem::path base_ = scratch_.path();
  std::unique_ptr<Mounts> mounts_;
};

TEST_F(MountsTest, TheLongestPrefixHasAPath) {
  EXPECT_EQ(Find("/"), "file index.html");
  EXPECT_EQ(Find("/cgi/tool/x"), "program /cgi/tool /x");
  EXPECT_EQ(Find("/cgi/page.php"), "404") << "what lies behind another mount is not seen";
  EXPECT_EQ(Find("/cgi"), "moved /cgi/") << "a directory of the files";
  EXPECT_EQ(Find("/git"), "program /git ");
  EXPECT_EQ(Find("/git/"), "program /git /");
  EXPECT_EQ(Find("/git//x/./y"), "program /git //x/./y") << "PATH_INFO is kept as it came";
  EXPECT_EQ(Find("/git/deep/x"), "program /git/deep /x");
  EXPECT_EQ(Find("/git/deeper"), "program /git /deeper");
  EXPECT_EQ(Find("/./git/%64eep/x%20y"), "program /git/deep /x y");
  EXPECT_EQ(Find("/git/.."), "file index.html") << "folded, it is another mount's";
  EXPECT_EQ(Find("/cgi/../page.php"), "403") << "what begins with its mount stays there";
  EXPECT_EQ(Find("/git/a%2Fb"), "400");
  EXPECT_TRUE(mounts_->document_root().ends_with("/www"));
}

TEST_F(MountsTest, EachPathHasOneOwner) {
  const auto number = [this](std::string_view path) {
    const auto owner = mounts_->OwnerOf(path);
    return owner ? static_cast<int>(owner->number) : -1;
  };
  EXPECT_EQ(number("/"), 0);
  EXPECT_EQ(number("/page.php"), 0) << "an interpreter owns nothing";
  EXPECT_EQ(number("/cgi/tool/more"), 1);
  EXPECT_EQ(number("/cgi"), 0);
  EXPECT_EQ(number("/git/x"), 2);
  EXPECT_EQ(number("/git/deep/x"), 3);
  EXPECT_EQ(number("*"), -1);
}

TEST_F(MountsTest, FilesOfSomeNamesArePrograms) {
  EXPECT_EQ(Find("/page.php"), "with /page.php ");
  EXPECT_EQ(Find("/page.php/a/b"), "with /page.php /a/b");
  EXPECT_EQ(Find("/a/"), "with /a/index.php ");
  EXPECT_EQ(Find("/a"), "moved /a/");
  EXPECT_EQ(Find("/a/b/"), "403");
  EXPECT_EQ(Find("/a/b/x.txt"), "file a/b/x.txt");
  EXPECT_EQ(Find("/a/b/x.txt/y"), "404");
}

TEST_F(MountsTest, TracedASymlinkLeadsToAllPathsOfWhatItNames) {
  namespace fs = std::filesystem;
  fs::create_directories(base_ / "www/.hidden/tree");
  Make("www/.hidden/tree/y", 0644);
  for (const auto& [link, target] :
       std::vector<std::pair<std::string, std::string>>{{"www/in", "a/b/x.txt"},
                                                        {"www/dir", "a"},
                                                        {"www/out", "../cgi/tool"},
                                                        {"www/prog", "../backend"},
                                                        {"www/near", ".hidden/tree/y"},
                                                        {"www/far", "/etc/passwd"},
                                                        {"cgi/page", "../www/page.php"}})
    fs::create_symlink(target, base_ / link);
  ::chmod(Path("www/page.php").c_str(), 0755);
  Make("www/plain", 0644);
  const std::vector<Mount> mounts{{Kind::kFiles, "/", Path("www")},
                                  {Kind::kPrograms, "/cgi/", Path("cgi")},
                                  {Kind::kProgram, "/git", Path("backend")},
                                  {Kind::kFiles, "/tree/", Path("www/.hidden/tree")},
                                  {Kind::kFiles, "/twin/", Path("www")}};
  const Mounts traced(mounts, {.scripts = {.symlinks = Symlinks::kAll, .traces = true}});
  const auto paths = [](const Mounts& site, std::string_view path) {
    const auto target = site.Find(path);
    std::string all;
    for (const std::string& each : target ? PathsOf(*target) : std::vector<std::string>{}) all += each + ' ';
    return all;
  };
  EXPECT_EQ(paths(traced, "/plain"), "/plain ");
  EXPECT_EQ(paths(traced, "/./plain"), "/plain ");
  EXPECT_EQ(paths(traced, "/in"), "/in /a/b/x.txt ") << "of two mounts its own";
  EXPECT_EQ(paths(traced, "/dir/b/x.txt"), "/dir/b/x.txt /a/b/x.txt ");
  EXPECT_EQ(paths(traced, "/out"), "/out /cgi/tool ");
  EXPECT_EQ(paths(traced, "/prog"), "/prog /git ");
  EXPECT_EQ(paths(traced, "/near"), "/near /tree/y ") << "the nearest directory's";
  EXPECT_EQ(paths(traced, "/far"), "/far ");
  EXPECT_EQ(paths(traced, "/cgi/page/more"), "/cgi/page/more /page.php/more /twin/page.php/more ");
  EXPECT_EQ(paths(traced, "/cgi/tool/more"), "/cgi/tool/more ");
  EXPECT_EQ(paths(Mounts(mounts, {.scripts = {.symlinks = Symlinks::kAll}}), "/in"), "/in ");
  fs::rename(base_ / "www", base_ / "www.old");
  EXPECT_EQ(paths(traced, "/in"), "/in /a/b/x.txt ") << "the directory may be moved";
}

TEST_F(MountsTest, WhatIsReplacedWhileItIsTracedLiesWhereItWas) {
  Make("cgi/old", 0644);
  std::filesystem::create_symlink("old", base_ / "cgi/link");
  const sys::UniqueFd directory(::open(Path("cgi").c_str(), O_PATH | O_DIRECTORY));
  const sys::UniqueFd found(::open(Path("cgi/link").c_str(), O_PATH));
  EXPECT_EQ(LinkedTo(directory.get(), "old", found.get()), "");
  EXPECT_EQ(LinkedTo(directory.get(), "link", found.get()), std::filesystem::canonical(Path("cgi/old")));
  const std::string place = std::filesystem::canonical(Path("cgi/old"));
  std::filesystem::remove(Path("cgi/old"));
  EXPECT_EQ(LinkedTo(directory.get(), "link", found.get()), place);
}

TEST_F(MountsTest, AreCheckedBeforeTheyServe) {
  const auto wrong = [this](const Mount& mount) {
    try {
      const Mounts mounts({{Kind::kFiles, "/", Path("www")}, mount}, {});
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(wrong({Kind::kFiles, "/x/", Path("www")}), "");
  EXPECT_NE(wrong({Kind::kFiles, "/", Path("www")}), "");
  EXPECT_NE(wrong({Kind::kFiles, "/x/", Path("none")}), "");
  EXPECT_NE(wrong({Kind::kPrograms, "/x/", Path("backend")}), "");
  EXPECT_NE(wrong({Kind::kProgram, "/x", Path("www")}), "");
  EXPECT_NE(wrong({Kind::kProgram, "/x", Path("www/index.html")}), "");
  EXPECT_NE(wrong({Kind::kWith, ".x", Path("none")}), "");
}

TEST_F(MountsTest, AHostWithMountsOfItsOwnHasOnlyThose) {
  const Mounts site({{Kind::kFiles, "/", Path("www")},
                     {Kind::kPrograms, "/cgi/", Path("cgi")},
                     {Kind::kFiles, "/", Path("www/a"), "other.example"}},
                    {});
  EXPECT_TRUE(site.has_hosts());
  EXPECT_EQ(site.OwnerOf("/cgi/tool", "site.example")->kind, Kind::kPrograms);
  EXPECT_EQ(site.OwnerOf("/cgi/tool", "")->kind, Kind::kPrograms);
  for (const auto* host : {"other.example", "OTHER.example:8080", "other.example."}) {
    EXPECT_EQ(site.OwnerOf("/cgi/tool", host)->kind, Kind::kFiles) << host;
    EXPECT_FALSE(site.Find("/cgi/tool", host)) << host;
    EXPECT_TRUE(site.Find("/b/x.txt", host)) << host;
    EXPECT_EQ(site.document_root(host), std::filesystem::canonical(Path("www/a"))) << host;
  }
  EXPECT_TRUE(site.Find("/cgi/tool", "another.example"));
  EXPECT_THROW(Mounts({{Kind::kFiles, "/", Path("www"), "a"}, {Kind::kFiles, "/", Path("cgi"), "a"}}, {}),
               std::runtime_error);
}

}  // namespace
}  // namespace hydrapool::cgi
