#include "pool/admin/client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "pool/admin/test_server.h"
#include "pool/sys/scratch_dir.h"

namespace hydrapool::admin {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

TEST(HttpGetTest, FetchesPagesOfAnyStatus) {
  const TestServer server(SomePages());
  const auto hello = HttpGet(server.address(), "/hello", 10s);
  ASSERT_TRUE(hello) << hello.error().message;
  EXPECT_EQ(hello->status, 200);
  EXPECT_EQ(hello->content_type, "text/plain");
  EXPECT_EQ(hello->body, "hello\n");
  EXPECT_EQ(HttpGet(server.address(), "/sick", 10s)->status, 503);
  EXPECT_EQ(HttpGet(server.address(), "/none", 10s)->status, 404);
  EXPECT_EQ(HttpGet(server.address(), "/hello?x=1", 10s)->status, 200);
  EXPECT_EQ(HttpGet(server.address(), "/big", 10s)->body.size(), std::size_t{4} << 20);
}

TEST(HttpGetTest, AsksOverAUnixSocketToo) {
  const sys::ScratchDir scratch("hydrapool-test");
  const std::string address = "unix:" + (scratch.path() / "socket").string();
  const TestServer server(SomePages(), sys::Listen(address));
  const auto hello = HttpGet(address, "/hello", 10s);
  ASSERT_TRUE(hello) << hello.error().message;
  EXPECT_EQ(hello->status, 200);
  EXPECT_EQ(hello->body, "hello\n");
}

TEST(HttpGetTest, TakesUrls) {
  const TestServer server(SomePages());
  EXPECT_EQ(HttpGet("http://" + server.address() + "/hello", 10s)->body, "hello\n");
  EXPECT_EQ(HttpGet("HTTP://" + server.address(), 10s)->status, 404);
  for (const char* url :
       {"https://127.0.0.1:1/", "127.0.0.1:1", "", "http://", "http:///x", "http://127.0.0.1:x/"}) {
    EXPECT_FALSE(HttpGet(url, 100ms)) << url;
  }
}

TEST(HttpGetTest, RefusedIsAnError) {
  auto listener = sys::Listen("127.0.0.1:0");
  const auto address = sys::LocalAddress(listener.get());
  listener.Reset();
  const auto page = HttpGet(address, "/", 10s);
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, ECONNREFUSED);
}

TEST(HttpGetTest, SilenceIsATimeout) {
  const auto listener = sys::Listen("127.0.0.1:0");
  const auto page = HttpGet(sys::LocalAddress(listener.get()), "/", 20ms);
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, ETIMEDOUT);
}

TEST(HttpGetTest, AnEarlyEndIsAnError) {
  const auto listener = sys::Listen("127.0.0.1:0");
  std::thread peer([&listener] {
    sys::UniqueFd fd(::accept(listener.get(), nullptr, nullptr));
    while (!fd) fd.Reset(::accept(listener.get(), nullptr, nullptr));
    char request[1024];
    static_cast<void>(::recv(fd.get(), request, sizeof request, 0));
    constexpr std::string_view kCut = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
    static_cast<void>(::send(fd.get(), kCut.data(), kCut.size(), MSG_NOSIGNAL));
  });
  const auto page = HttpGet(sys::LocalAddress(listener.get()), "/", 10s);
  peer.join();
  ASSERT_FALSE(page);
  EXPECT_NE(page.error().message.find("too early"), std::string::npos) << page.error().message;
}

}  // namespace
}  // namespace hydrapool::admin
