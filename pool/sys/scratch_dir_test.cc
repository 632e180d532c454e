#include "pool/sys/scratch_dir.h"

#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <system_error>

#include "pool/sys/file.h"

namespace hydrapool::sys {
namespace {

namespace fs = std::filesystem;

TEST(ScratchDirTest, GoesWithAllThatIsInIt) {
  std::optional<ScratchDir> scratch("scratch-test");
  const fs::path path = scratch->path();
  EXPECT_TRUE(path.filename().string().starts_with("scratch-test-"));
  fs::create_directory(*scratch / "below");
  std::ofstream(*scratch / "below/file") << "text\n";
  EXPECT_EQ(ReadFile(*scratch / "below/file"), "text\n");
  scratch.reset();
  EXPECT_FALSE(fs::exists(path));
}

TEST(ScratchDirTest, StaysWhereItIsKept) {
  fs::path path;
  {
    ScratchDir scratch("scratch-test");
    scratch.Keep();
    path = scratch.path();
  }
  EXPECT_TRUE(fs::is_directory(path));
  fs::remove_all(path);
}

}  // namespace
}  // namespace hydrapool::sys
