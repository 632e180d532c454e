#include "pool/access/request_id.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace hydrapool::access {
namespace {

TEST(RequestIdTest, TakesWhatIsSane) {
  for (const char* id : {"a", "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
                         "Root=1-67891233-abcdef012345678912345678", "a.b_c-d+e/f=g:h~i"}) {
    EXPECT_TRUE(IsSaneRequestId(id)) << id;
  }
  EXPECT_TRUE(IsSaneRequestId(std::string(kLongestRequestId, 'x')));
}

TEST(RequestIdTest, RefusesWhatIsNot) {
  for (const char* id : {"", "a b", "a\"b", "a\nb", "\xc3\xa4", "a,b", "<a>", "$(a)"})
    EXPECT_FALSE(IsSaneRequestId(id)) << id;
  EXPECT_FALSE(IsSaneRequestId(std::string(kLongestRequestId + 1, 'x')));
}

TEST(RequestIdTest, MakesSaneOnesThatDiffer) {
  std::set<std::string> seen;
  for (int worker = 0; worker < 4; ++worker) {
    RequestIds ids;
    for (int i = 0; i < 1000; ++i) seen.insert(ids.Next());
  }
  EXPECT_EQ(seen.size(), 4000u);
  for (const std::string& id : seen) ASSERT_TRUE(id.size() == 32 && IsSaneRequestId(id));
}

}  // namespace
}  // namespace hydrapool::access
