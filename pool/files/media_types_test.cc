#include "pool/files/media_types.h"

#include <gtest/gtest.h>

#include <fstream>

#include "pool/sys/scratch_dir.h"

namespace hydrapool::files {
namespace {

TEST(MediaTypesTest, AreThoseOfTheTableOverTheBuiltInOnes) {
  const sys::ScratchDir scratch("media_types_test");
  std::ofstream(scratch / "types")
      << "# a comment\n\ntext/x-own own OWN2 # and more\nimage/x-other png\nnotype xyz\n";
  const MediaTypes types(scratch / "types");
  EXPECT_EQ(types.Of("a/b.own"), "text/x-own");
  EXPECT_EQ(types.Of("b.own2"), "text/x-own");
  EXPECT_EQ(types.Of("b.png"), "image/x-other");
  EXPECT_EQ(types.Of("INDEX.HTML"), "text/html");
  EXPECT_EQ(types.Of("a.tar.css"), "text/css");
  for (const auto* name : {"README", "a.b/README", "x.", "x.xyz", ".html", "x.unknown"})
    EXPECT_EQ(types.Of(name), "application/octet-stream") << name;
}

TEST(MediaTypesTest, NeedNoTable) { EXPECT_EQ(MediaTypes("/nonexistent").Of("x.js"), "text/javascript"); }

}  // namespace
}  // namespace hydrapool::files
