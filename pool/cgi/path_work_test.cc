// How much is done for a path: a client pays for it with one byte.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "pool/cgi/mounts.h"
#include "pool/sys/scratch_dir.h"

namespace {
std::size_t allocated = 0;
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  allocated += size;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t& /*unused*/) noexcept {
  allocated += size;
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, const std::nothrow_t& /*unused*/) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace hydrapool::cgi {
namespace {

using Kind = Mount::Kind;

std::string Repeated(std::string_view text, std::size_t times) {
  std::string whole;
  for (std::size_t i = 0; i < times; ++i) whole += text;
  return whole;
}

class PathWorkTest : public testing::Test {
 protected:
  PathWorkTest() {
    for (const std::string name : {"backend", "page"}) std::ofstream(scratch_ / name) << "#!/bin/sh\n";
    ::chmod((scratch_ / "backend").c_str(), 0755);
    mounts_ = std::make_unique<Mounts>(std::vector<Mount>{{Kind::kFiles, "/", scratch_.path()},
                                                          {Kind::kProgram, "/git", scratch_ / "backend"}},
                                       MountRules{});
  }
  /// Bytes copied to find a path, for each of its own.
  [[nodiscard]] std::size_t WorkFor(const std::string& path) const {
    const std::size_t before = allocated;
    EXPECT_TRUE(mounts_->Find(path)) << path.substr(0, 40);
    return (allocated - before) / path.size();
  }
  const sys::ScratchDir scratch_{"path_work_test"};
  std::unique_ptr<Mounts> mounts_;
};

TEST_F(PathWorkTest, GrowsWithTheLengthOfAPathAlone) {
  const std::string long_name = "/a-name-that-is-long-enough";
  for (const std::size_t times : {10, 100, 250}) {
    EXPECT_LT(WorkFor(Repeated(long_name, times) + Repeated("/..", times) + "/page"), 20u) << times;
    EXPECT_LT(WorkFor(Repeated(long_name + "/..", times) + "/page"), 20u) << times;
    EXPECT_LT(WorkFor(Repeated("/.", 10 * times) + "/git/x"), 20u) << times;
    EXPECT_LT(WorkFor(Repeated("/x/..", 5 * times) + "/git/x"), 20u) << times;
  }
}

}  // namespace
}  // namespace hydrapool::cgi
