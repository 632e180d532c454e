#include "loadgen/engine/curl/upload.h"

#include <curl/curl.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;
using sys::kSecond;

TEST(CurlUploadTest, PassesATenthOfASecondAtATime) {
  const std::string body(250, 'x');
  CurlUpload upload(1000);
  std::array<char, 500> to{};
  const auto read = [&](sys::Nanos at) { return upload.Read(to.data(), to.size(), at); };
  upload.Begin(body);
  EXPECT_EQ(read(kSecond), CURL_READFUNC_PAUSE) << "not even the first piece passes at once";
  EXPECT_EQ(upload.due(), kSecond + 100 * kMillisecond);
  EXPECT_EQ(read(kSecond + 100 * kMillisecond), 100u);
  EXPECT_EQ(upload.due(), 0);
  EXPECT_EQ(read(kSecond + 199 * kMillisecond), CURL_READFUNC_PAUSE);
  EXPECT_EQ(read(kSecond + 200 * kMillisecond), 100u);
  EXPECT_EQ(read(kSecond + 250 * kMillisecond), 50u);
  EXPECT_EQ(read(kSecond + 250 * kMillisecond), 0u) << "that was all";
  upload.Rewind();
  EXPECT_EQ(read(9 * kSecond), CURL_READFUNC_PAUSE);
  EXPECT_EQ(read(9 * kSecond + 100 * kMillisecond), 100u) << "again from the beginning";
}

TEST(CurlUploadTest, WithoutARateAllPasses) {
  const std::string body(250, 'x');
  CurlUpload upload(0);
  std::array<char, 200> to{};
  upload.Begin(body);
  EXPECT_EQ(upload.Read(to.data(), to.size(), kSecond), 200u);
  EXPECT_EQ(upload.Read(to.data(), to.size(), kSecond), 50u);
  EXPECT_EQ(upload.Read(to.data(), to.size(), kSecond), 0u);
}

}  // namespace
}  // namespace hydrapool::loadgen
