#include "loadgen/engine/curl/response.h"

#include "loadgen/engine/expectation.h"

namespace hydrapool::loadgen {

CurlResponse::CurlResponse(const Plan& plan)
    : plan_(plan), head_(plan.worker_header, plan.wire.extras.http2), check_(plan) {}

void CurlResponse::Begin() {
  head_.Begin();
  first_.head.clear();
  first_.body.clear();
}

bool CurlResponse::TakeLine(std::string_view line) {
  const bool was_whole = head_whole();
  const bool good = head_.Count(line.size(), 0) && head_.Take(line);
  KeepHead(line);
  if (head_whole() && !was_whole && check_.needed()) check_.Begin(head_.content_coding());
  return good;
}

void CurlResponse::KeepHead(std::string_view line) {
  if (line.starts_with("HTTP/")) first_.head.clear();
  if (status() != 0 && !IsExpected(plan_, status()) && first_.head.size() < kMostOfHead) first_.head += line;
}

void CurlResponse::TakeBody(std::string_view bytes) {
  if (check_.needed()) check_.Feed(bytes);
  auto& body = first_.body;
  if (!first_.head.empty() && body.size() < kMostOfBody) body += bytes.substr(0, kMostOfBody - body.size());
}

}  // namespace hydrapool::loadgen
