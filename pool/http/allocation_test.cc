#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>
#include <string_view>

#include "pool/http/request_parser.h"

namespace {
std::size_t allocations = 0;
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace hydrapool::http {
namespace {

TEST(RequestParserAllocationTest, NoneOnceItStands) {
  RequestParser parser;
  std::string whole =
      "GET http://h/a?b HTTP/1.1\r\nHost: x\r\nConnection: a, b, close\r\nContent-Length: 5\r\n";
  while (whole.size() < 4000)
    whole += "X-Name-" + std::to_string(whole.size()) + ": some value of a usual length\r\n";
  const std::string part = whole;
  const std::string refused = whole + "Content-Length: 5\r\n\r\n";
  const std::string folded = whole + " folded\r\n\r\n";
  whole += "\r\n";
  ASSERT_TRUE(std::holds_alternative<const Request*>(parser.Parse(whole)));

  const std::size_t before = allocations;
  for (int i = 0; i < 10; ++i) {
    for (const std::string_view bytes : {std::string_view(whole), std::string_view(part),
                                         std::string_view(refused), std::string_view(folded)})
      static_cast<void>(parser.Parse(bytes));
  }
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace hydrapool::http
