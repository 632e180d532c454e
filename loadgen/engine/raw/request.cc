#include "loadgen/engine/raw/request.h"

#include <array>
#include <charconv>

#include "loadgen/plan/header_lines.h"
#include "loadgen/plan/scenario.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::size_t kCopied = 64 * 1024;  // a body of so much goes out with its head

/// All but Content-Length and the empty line.
std::string HeadOf(const Target& target, const HttpUrl& url, bool keep_alive) {
  std::string bytes = target.method + " " + url.target + " HTTP/1.1\r\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!Mentions(target, name)) bytes.append(name).append(": ").append(value).append("\r\n");
  };
  add("Host", url.authority);
  add("User-Agent", "loadgen");
  add("Accept", "*/*");
  if (target.body) add("Content-Type", "application/x-www-form-urlencoded");
  for (const auto& header : target.headers) {
    const auto name = NameOf(header);
    const std::string_view rest = std::string_view(header).substr(name.size());
    if (rest == ";") {
      bytes.append(name).append(":\r\n");
    } else if (rest.starts_with(':') && rest.find_first_not_of(" \t", 1) != rest.npos) {
      bytes.append(header).append("\r\n");
    }
  }
  if (!keep_alive) bytes += "Connection: close\r\n";
  return bytes;
}

TextTemplate::Values NamesOf(const Plan& plan) {
  return plan.scenario ? TextTemplate::Values(plan.scenario->variables) : TextTemplate::Values();
}

}  // namespace

RawRequest::RawRequest(const Plan& plan, const Target& target, const HttpUrl& url)
    : to_head_(target.method == "HEAD"),
      says_length_(target.body && !Mentions(target, "Content-Length")),
      head_text_(std::make_unique<const std::string>(HeadOf(target, url, plan.wire.keep_alive))),
      head_(*head_text_, plan.lines, NamesOf(plan)),
      body_(TextTemplate::OfBody(target.body, plan.lines, NamesOf(plan))) {
  head_.EncodeBefore(head_text_->find('\r'));
  if (body_.constant() && target.body.text().size() > kCopied) large_body_ = target.body.text();
  if (!head_.constant() || !body_.constant()) return;
  std::string buffer;
  bytes_ = Bytes(0, 0, buffer).first;
  constant_ = true;
}

RequestBytes RawRequest::Bytes(std::uint64_t seed, std::uint64_t turn, std::string& buffer,
                               TextTemplate::Values values) const {
  if (constant_) return {.first = bytes_, .rest = large_body_};
  buffer.clear();
  head_.Expand(seed, turn, buffer, values);
  if (says_length_) {
    std::array<char, 20> digits;
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), body_.Length(turn, values)).ptr;
    buffer.append("Content-Length: ").append(digits.data(), end).append("\r\n");
  }
  buffer.append("\r\n");
  if (large_body_.empty()) body_.Expand(seed, turn, buffer, values);
  return {.first = buffer, .rest = large_body_};
}

}  // namespace hydrapool::loadgen
