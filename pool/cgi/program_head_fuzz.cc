#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "pool/cgi/answer_head.h"
#include "pool/cgi/response_head.h"

namespace {

void Require(bool truth) {
  if (!truth) std::abort();
}

/// 0: more is needed; 1: refused; else 2 + where the body begins.
std::size_t Read(std::string_view bytes, hydrapool::cgi::HeadReading reading) {
  const auto parsed = hydrapool::cgi::ParseResponseHead(bytes, reading);
  if (std::holds_alternative<hydrapool::http::NeedMore>(parsed)) return 0;
  if (std::holds_alternative<hydrapool::cgi::Malformed>(parsed)) return 1;
  return 2 + std::get<hydrapool::cgi::ResponseHead>(parsed).head_size;
}

/// What is sent of it is one head, whatever stood in the program's.
void CheckAnswer(const hydrapool::cgi::ResponseHead& head) {
  Require(head.status >= 200 && head.status <= 599);
  const std::string answer = AnswerHead(head, {.length = 5, .date = "now"});
  Require(answer.starts_with("HTTP/1.1 ") && answer.ends_with("\r\n\r\n"));
  Require(answer.find("\r\n\r\n") == answer.size() - 4);
  Require(std::ranges::count(answer, '\r') == std::ranges::count(answer, '\n'));
  Require(answer.find('\0') == std::string::npos);
}

}  // namespace

/// Adding bytes never changes what was decided, and a program's words cannot split the answer.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hydrapool::cgi;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const HeadReading reading : {HeadReading::kLenient, HeadReading::kStrict}) {
    const auto parsed = ParseResponseHead(bytes, reading);
    if (const auto* head = std::get_if<ResponseHead>(&parsed)) CheckAnswer(*head);
    const std::size_t whole = Read(bytes, reading);
    std::size_t decided = 0;
    for (std::size_t length = 0; length <= std::min<std::size_t>(size, 300); ++length) {
      const std::size_t now = Read(bytes.substr(0, length), reading);
      Require(decided == 0 || now == decided);
      decided = now;
    }
    Require(decided == 0 || decided == whole);
  }
  const auto raw = ParseRawStatus(bytes);
  if (const int* status = std::get_if<int>(&raw)) Require(*status >= 0 && *status <= 999 && size >= 12);
  return 0;
}
