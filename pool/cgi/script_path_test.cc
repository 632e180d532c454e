#include "pool/cgi/script_path.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "pool/sys/child.h"
#include "pool/sys/error.h"
#include "pool/sys/scratch_dir.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::cgi {
namespace {

namespace fs = std::filesystem;

/// A temporary directory with `cgi` (served) and `secret` (beside it, executable, never to be reached).
class ScriptDirectoryTest : public testing::Test {
 protected:
  ScriptDirectoryTest() {
    fs::create_directories(base_ / "cgi/sub/deeper");
    fs::create_directories(base_ / "cgi/.git/hooks");
    for (const auto* name_of_script :
         {"cgi/hello", "cgi/sub/tool", "cgi/sub/deeper/x", "cgi/.git/hooks/run", "secret"}) {
      MakeFile(name_of_script, 0755);
    }
    MakeFile("cgi/notes.txt", 0644);
  }
  void MakeFile(const std::string& name, mode_t mode) const {
    std::ofstream(base_ / name) << "#!/bin/sh\n";
    ::chmod((base_ / name).c_str(), mode);
  }
  void Link(const std::string& target, const std::string& name) const {
    fs::create_symlink(target, base_ / "cgi" / name);
  }

  [[nodiscard]] auto Resolve(std::string_view path) const {
    return ScriptDirectory((base_ / "cgi").string(), "/cgi-bin/", rules_).Resolve(path);
  }
  [[nodiscard]] int StatusOf(std::string_view path) const {
    const auto script = Resolve(path);
    return script ? 200 : script.error().status;
  }

  ScriptRules rules_;
  const sys::ScratchDir scratch_{"script_path_test"};
  const fs::path base_ = scratch_.path();
};

TEST_F(ScriptDirectoryTest, FindsAScript) {
  const auto script = Resolve("/cgi-bin/hello");
  ASSERT_TRUE(script) << script.error().reason;
  EXPECT_EQ(script->file, "hello");
  EXPECT_EQ(script->name, "/cgi-bin/hello");
  EXPECT_EQ(script->absolute_path, (fs::canonical(base_) / "cgi/hello").string());
  EXPECT_EQ(script->path_info, "");
  EXPECT_EQ(::faccessat(script->directory.get(), "hello", X_OK, 0), 0);
}

TEST_F(ScriptDirectoryTest, TheFirstRegularFileIsTheScriptAndTheRestItsPathInfo) {
  const auto script = Resolve("/cgi-bin/sub/tool/a%20b//./c/");
  ASSERT_TRUE(script) << script.error().reason;
  EXPECT_EQ(script->file, "tool");
  EXPECT_EQ(script->name, "/cgi-bin/sub/tool");
  EXPECT_EQ(script->path_info, "/a b//./c/");
  EXPECT_EQ(::faccessat(script->directory.get(), "../hello", X_OK, 0), 0);
}

TEST_F(ScriptDirectoryTest, ATrailingSlashIsPathInfo) {
  EXPECT_EQ(Resolve("/cgi-bin/hello/")->path_info, "/");
}

TEST_F(ScriptDirectoryTest, NamesMayBeEscaped) {
  EXPECT_EQ(Resolve("/cgi-bin/h%65llo")->name, "/cgi-bin/hello");
}

TEST_F(ScriptDirectoryTest, WhatIsNotThereIs404) {
  for (const auto* path : {"/cgi-bin/nothing", "/cgi-bin/sub/nothing/x", "/elsewhere/hello", "/cgi-bin", "/",
                           "", "*", "/cgi-bin/hell", "/cgi-bin/hello%20"}) {
    EXPECT_EQ(StatusOf(path), 404) << path;
  }
  EXPECT_EQ(StatusOf("/cgi-bin/" + std::string(5000, 'a')), 404);
}

TEST_F(ScriptDirectoryTest, HiddenNamesAndTheDotAreNeverScripts) {
  for (const auto* path : {"/cgi-bin/.git/hooks/run", "/cgi-bin/./.git/hooks/run", "/cgi-bin/.../hello"}) {
    EXPECT_EQ(StatusOf(path), 404) << path;
  }
}

TEST_F(ScriptDirectoryTest, TheScriptsPathIsNormalised) {
  for (const auto* path : {"/cgi-bin//hello", "//cgi-bin/hello", "/cgi-bin/./hello", "/cgi-bin/%2e/hello",
                           "/cgi-bin/sub/../hello", "/cgi-bin/sub/%2e%2E/hello", "/x/../cgi-bin/hello",
                           "/cgi-bin/sub/deeper/.././../hello", "/../cgi-bin/hello", "/%63gi-bin/hello"}) {
    const ScriptDirectory scripts((base_ / "cgi").string(), "/cgi-bin/");
    EXPECT_TRUE(scripts.Serves(path)) << path;
    const auto script = scripts.Resolve(path);
    ASSERT_TRUE(script) << path << ": " << script.error().reason;
    EXPECT_EQ(script->name, "/cgi-bin/hello") << path;
    EXPECT_EQ(script->path_info, "") << path;
  }
  EXPECT_EQ(Resolve("/cgi-bin//sub//tool//a/./b")->path_info, "//a/./b");
}

TEST_F(ScriptDirectoryTest, ServesWhatIsBelowItsPrefixOnly) {
  const ScriptDirectory scripts((base_ / "cgi").string(), "/cgi-bin/");
  for (const auto* path : {"/cgi-bin/", "/cgi-bin/x", "/cgi-bin/../x", "/./cgi-bin/x", "//cgi-bin"})
    EXPECT_TRUE(scripts.Serves(path)) << path;
  for (const auto* path :
       {"/", "/cgi-bin", "/cgi-binx/", "/x/cgi-bin/y", "//x", "/%2e/x", "/cgi-bin%2fx/", "*", ""})
    EXPECT_FALSE(scripts.Serves(path)) << path;
}

TEST_F(ScriptDirectoryTest, TheParentIsRefusedWhereItLeavesAndInPathInfo) {
  for (const auto* path :
       {"/cgi-bin/../secret", "/cgi-bin/%2e%2e/secret", "/cgi-bin/.%2E/secret", "/cgi-bin/sub/../../secret",
        "/cgi-bin/./..", "/cgi-bin/../cgi-bin/hello", "/cgi-bin/hello/a/../b", "/cgi-bin/hello/%2e%2e/x",
        "/cgi-bin/..", "/cgi-bin/hello/../x", "/cgi-bin/hello/.."}) {
    EXPECT_EQ(StatusOf(path), 403) << path;
  }
}

TEST_F(ScriptDirectoryTest, BadEscapesAre400) {
  for (const auto* path :
       {"/cgi-bin/..%2fsecret", "/cgi-bin/hello%00", "/cgi-bin/hello%", "/cgi-bin/%zz", "/cgi-bin/a%0ab"}) {
    EXPECT_EQ(StatusOf(path), 400) << path;
  }
}

TEST_F(ScriptDirectoryTest, AnEscapedSlashMayStandInPathInfo) {
  rules_.encoded_slashes = true;
  EXPECT_EQ(Resolve("/cgi-bin/hello/a%2Fb/c")->path_info, "/a/b/c");
  EXPECT_EQ(StatusOf("/cgi-bin/hello/a%2F..%2Fb"), 403);
  EXPECT_EQ(StatusOf("/cgi-bin/sub%2ftool"), 404);
  EXPECT_EQ(StatusOf("/cgi-bin/..%2fsecret"), 404);
}

TEST_F(ScriptDirectoryTest, OnlyExecutableRegularFilesRun) {
  ::mkfifo((base_ / "cgi/fifo").c_str(), 0755);
  for (const auto* path :
       {"/cgi-bin/notes.txt", "/cgi-bin/fifo", "/cgi-bin/", "/cgi-bin/sub", "/cgi-bin/sub/"}) {
    EXPECT_EQ(StatusOf(path), 403) << path;
  }
}

/// Whether a file has been opened since.
class OpenWatch {
 public:
  explicit OpenWatch(const fs::path& path) : events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    sys::Check(::inotify_add_watch(events_.get(), path.c_str(), IN_OPEN), "inotify_add_watch");
  }
  [[nodiscard]] bool Opened() const {
    std::array<char, 1024> events;
    return ::read(events_.get(), events.data(), events.size()) > 0;
  }

 private:
  sys::UniqueFd events_;
};

// A writer who waits for a reader of the FIFO would take the server for one.
TEST_F(ScriptDirectoryTest, OnlyRegularFilesAreOpenedForReading) {
  const fs::path fifo = base_ / "cgi/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0666), 0);
  const ScriptDirectory files((base_ / "cgi").string(), "/");
  const OpenWatch watch(fifo);
  struct stat info {};
  EXPECT_EQ(files.OpenRegular("fifo", info).error().status, 403);
  const auto located = files.Locate("/fifo", ScriptDirectory::For::kReading);
  ASSERT_TRUE(located);
  EXPECT_FALSE(located->readable);
  EXPECT_FALSE(watch.Opened());
  const sys::UniqueFd reader(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  EXPECT_TRUE(watch.Opened());

  const auto file = files.OpenRegular("notes.txt", info);
  ASSERT_TRUE(file);
  EXPECT_EQ(::fcntl(file->get(), F_GETFL) & (O_ACCMODE | O_PATH), O_RDONLY);
  EXPECT_EQ(info.st_size, 10);
  EXPECT_EQ(files.OpenRegular("sub", info).error().status, 403);
  EXPECT_EQ(files.OpenRegular("none", info).error().status, 404);
}

TEST_F(ScriptDirectoryTest, SymlinksMayLeadAnywhereBeneath) {
  Link("sub/deeper", "shortcut");
  Link("../hello", "sub/up");
  const auto script = Resolve("/cgi-bin/shortcut/x/info");
  ASSERT_TRUE(script) << script.error().reason;
  EXPECT_EQ(script->name, "/cgi-bin/shortcut/x");
  EXPECT_EQ(script->path_info, "/info");
  EXPECT_EQ(StatusOf("/cgi-bin/sub/up"), 200);
}

TEST_F(ScriptDirectoryTest, SymlinksOutAre403WhereTheyMayNotLeave) {
  rules_.symlinks = Symlinks::kBeneath;
  Link("../secret", "relative");
  Link((base_ / "secret").string(), "absolute");
  Link("/", "rootdir");
  Link((base_ / "cgi/hello").string(), "absolute_inside");
  Link("sub/../../secret", "roundabout");
  Link("loop", "loop");
  Link("/proc/self/exe", "magic");
  for (const auto* path :
       {"/cgi-bin/relative", "/cgi-bin/absolute", "/cgi-bin/absolute_inside", "/cgi-bin/rootdir/bin/sh",
        "/cgi-bin/roundabout", "/cgi-bin/loop", "/cgi-bin/magic"}) {
    EXPECT_EQ(StatusOf(path), 403) << path;
  }
  Link("nowhere", "dangling");
  EXPECT_EQ(StatusOf("/cgi-bin/dangling"), 404);
}

TEST_F(ScriptDirectoryTest, SymlinksMayLeaveToWhatTheirOwnerOrRootOwns) {
  fs::create_directories(base_ / "elsewhere");
  MakeFile("elsewhere/tool", 0755);
  Link("../secret", "relative");
  Link((base_ / "secret").string(), "absolute");
  Link("../elsewhere", "folder");
  Link("/bin/true", "roots");
  Link("/proc/self/exe", "magic");
  for (const auto* path :
       {"/cgi-bin/relative", "/cgi-bin/absolute/info", "/cgi-bin/folder/tool/x", "/cgi-bin/roots"})
    EXPECT_EQ(StatusOf(path), 200) << path;
  EXPECT_EQ(StatusOf("/cgi-bin/magic"), 403);
  EXPECT_EQ(StatusOf("/cgi-bin/folder/../../secret"), 403);
  EXPECT_EQ(Resolve("/cgi-bin/folder/tool/x")->name, "/cgi-bin/folder/tool");
}

TEST_F(ScriptDirectoryTest, SymlinksMayNotLeaveToWhatAnotherUserOwns) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  Link("../secret", "others");
  Link("..", "folder");
  ASSERT_EQ(::lchown((base_ / "secret").c_str(), 12345, 12345), 0);
  ASSERT_EQ(::lchown(base_.c_str(), 12345, 12345), 0);
  EXPECT_EQ(StatusOf("/cgi-bin/others"), 403);
  EXPECT_EQ(StatusOf("/cgi-bin/folder/secret"), 403);
  rules_.symlinks = Symlinks::kAll;
  EXPECT_EQ(StatusOf("/cgi-bin/others"), 200);
  EXPECT_EQ(StatusOf("/cgi-bin/folder/secret"), 200);
}

TEST_F(ScriptDirectoryTest, AFileBehindASymlinkIsReadWithoutProc) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can have another root directory";
  Link("notes.txt", "inside");
  Link("/secret", "outside");
  sys::Child child = sys::Child::Fork([this] {
    if (::chroot(base_.c_str()) != 0 || ::chdir("/") != 0) return 2;
    const ScriptDirectory files("/cgi", "/");
    struct stat info {};
    return files.OpenRegular("inside", info) && files.OpenRegular("outside", info) ? 0 : 1;
  });
  pollfd end{child.pidfd(), POLLIN, 0};
  ASSERT_EQ(::poll(&end, 1, 10'000), 1);
  EXPECT_EQ(child.TryReap().value_or(sys::ExitStatus{}).Describe(), "exit_0");
}

TEST_F(ScriptDirectoryTest, ADirectoryMovedAwayStaysTheOneServed) {
  const ScriptDirectory scripts((base_ / "cgi").string(), "/cgi-bin/");
  fs::rename(base_ / "cgi", base_ / "moved");
  EXPECT_TRUE(scripts.Resolve("/cgi-bin/hello"));
}

TEST_F(ScriptDirectoryTest, ConstructionNeedsADirectory) {
  EXPECT_THROW(ScriptDirectory((base_ / "none").string(), "/cgi-bin/"), std::system_error);
  EXPECT_THROW(ScriptDirectory((base_ / "secret").string(), "/cgi-bin/"), std::system_error);
  EXPECT_THROW(ScriptDirectory((base_ / "cgi").string(), "cgi-bin"), std::invalid_argument);
}

}  // namespace
}  // namespace hydrapool::cgi
