#include "loadgen/raw_request.h"

#include <strings.h>

#include <string_view>

namespace loadgen {
namespace {

std::string_view NameOf(std::string_view header) { return header.substr(0, header.find_first_of(":;")); }

bool Mentioned(const Plan& plan, std::string_view name) {
  for (const auto& header : plan.headers) {
    const auto own = NameOf(header);
    if (own.size() == name.size() && ::strncasecmp(own.data(), name.data(), name.size()) == 0) return true;
  }
  return false;
}

}  // namespace

std::string RequestHead(const Plan& plan, const HttpUrl& url) {
  std::string bytes = plan.method + " " + url.target + " HTTP/1.1\r\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!Mentioned(plan, name)) bytes.append(name).append(": ").append(value).append("\r\n");
  };
  add("Host", url.authority);
  add("User-Agent", "loadgen");
  add("Accept", "*/*");
  if (plan.body) {
    add("Content-Length", std::to_string(plan.body->size()));
    add("Content-Type", "application/x-www-form-urlencoded");
  }
  for (const auto& header : plan.headers) {
    const auto name = NameOf(header);
    const std::string_view rest = std::string_view(header).substr(name.size());
    if (rest == ";") {
      bytes.append(name).append(":\r\n");
    } else if (rest.starts_with(':') && rest.find_first_not_of(" \t", 1) != rest.npos) {
      bytes.append(header).append("\r\n");
    }
  }
  if (!plan.keep_alive) bytes += "Connection: close\r\n";
  return bytes + "\r\n";
}

}  // namespace loadgen
