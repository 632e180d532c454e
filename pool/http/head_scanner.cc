#include "pool/http/head_scanner.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

#include "pool/http/text.h"

namespace hydrapool::http {
namespace {

constexpr std::uint64_t Repeat(unsigned char byte) { return ~std::uint64_t{0} / 255 * byte; }

// True if any byte is below 0x20 or is 0x7f; tabs count, so a hit is looked at again byte by byte.
bool HoldsControl(std::uint64_t word) {
  const std::uint64_t below_space = (word - Repeat(0x20)) & ~word;
  const std::uint64_t del = word ^ Repeat(0x7f);
  return ((below_space | ((del - Repeat(1)) & ~del)) & Repeat(0x80)) != 0;
}

const char* SkipValue(const char* at, const char* end) {
  for (;;) {
    for (std::uint64_t word; end - at >= 8; at += 8) {
      std::memcpy(&word, at, 8);
      if (HoldsControl(word)) break;
    }
    const char* const stop = at + std::min<std::ptrdiff_t>(8, end - at);
    while (at < stop && Is(kValueChar, *at)) ++at;
    if (at < stop || at == end) return at;
  }
}

/// Each step says whether the scan goes on; where it does not, either `refusal` says why or the bytes ran
/// out.
class Scanner {
 public:
  Scanner(std::string_view bytes, const Limits& limits)
      : begin_(bytes.data()),
        at_(begin_),
        end_(begin_ + std::min(bytes.size(), limits.max_head)),
        full_(bytes.size() >= limits.max_head),
        limits_(limits) {}

  std::variant<NeedMore, HeadExtent, Refusal> Run() {
    if (!SkipEmptyLines()) return Stopped();
    const char* const line = at_;
    if (!Method() || !Target() || !Version()) return Stopped();
    for (std::size_t count = 0;; ++count) {
      if (at_ == end_) return Stopped();
      if (*at_ == '\r') break;
      if (count == limits_.max_fields) return Refusal{431, "too many header fields"};
      if (!FieldLine()) return Stopped();
    }
    if (!LineEnd()) return Stopped();
    return HeadExtent{Offset(line), Offset(at_), std::min(minor_version_, 1), minor_at_};
  }

 private:
  [[nodiscard]] std::size_t Offset(const char* p) const { return static_cast<std::size_t>(p - begin_); }

  [[nodiscard]] std::variant<NeedMore, HeadExtent, Refusal> Stopped() const {
    if (refusal_) return *refusal_;
    if (full_) return Refusal{431, "request head too large"};
    return NeedMore{};
  }

  bool Refuse(int status, std::string_view why) {
    refusal_ = Refusal{status, why};
    return false;
  }

  bool Expect(char c, std::string_view why) {
    if (at_ == end_) return false;
    if (*at_ != c) return Refuse(400, why);
    ++at_;
    return true;
  }

  bool LineEnd() { return Expect('\r', "control character in a line") && Expect('\n', "CR without LF"); }

  bool SkipEmptyLines() {
    for (int lines = 0; lines < kMaxEmptyLines && at_ != end_ && *at_ == '\r'; ++lines) {
      if (!LineEnd()) return false;
    }
    return true;
  }

  bool Method() {
    const char* const first = at_;
    const char* const stop = at_ + std::min<std::ptrdiff_t>(kMaxMethod, end_ - at_);
    while (at_ < stop && Is(kTokenChar, *at_)) ++at_;
    if (at_ == end_) return false;
    if (at_ == stop && Is(kTokenChar, *at_)) return Refuse(501, "method too long");
    if (at_ == first) return Refuse(400, "malformed method");
    return Expect(' ', "malformed method");
  }

  bool Target() {
    const char* const first = at_;
    const char* const stop =
        Offset(end_) - Offset(at_) > limits_.max_target ? at_ + limits_.max_target : end_;
    while (at_ < stop && IsTarget(*at_)) ++at_;
    if (at_ == end_) return false;
    if (at_ == stop && IsTarget(*at_)) return Refuse(414, "request target too long");
    if (at_ == first) return Refuse(400, "malformed request target");
    return Expect(' ', "malformed request target");
  }

  [[nodiscard]] bool IsTarget(char c) const {
    return Is(kTargetChar, c) || (limits_.raw_targets && static_cast<unsigned char>(c) >= 0x80);
  }

  bool Version() {
    constexpr std::string_view kMalformed = "malformed HTTP version";
    for (const char c : std::string_view("HTTP/")) {
      if (!Expect(c, kMalformed)) return false;
    }
    int major = 0;
    if (!Digit(major, kMalformed) || !Expect('.', kMalformed)) return false;
    minor_at_ = Offset(at_);
    if (!Digit(minor_version_, kMalformed)) return false;
    if (major != 1) return Refuse(505, "HTTP version not supported");
    return Expect('\r', kMalformed) && Expect('\n', kMalformed);
  }

  bool Digit(int& value, std::string_view why) {
    if (at_ == end_) return false;
    if (!Is(kDigitChar, *at_)) return Refuse(400, why);
    value = *at_++ - '0';
    return true;
  }

  bool FieldLine() {
    const char* const first = at_;
    while (at_ < end_ && Is(kTokenChar, *at_)) ++at_;
    if (at_ == end_) return false;
    if (at_ == first) return Refuse(400, "malformed header field name");
    if (!Expect(':', "malformed header field name")) return false;
    at_ = SkipValue(at_, end_);
    return LineEnd();
  }

  const char* begin_;
  const char* at_;
  const char* end_;
  bool full_;
  const Limits& limits_;
  int minor_version_ = 0;
  std::size_t minor_at_ = 0;
  std::optional<Refusal> refusal_;
};

}  // namespace

std::variant<NeedMore, HeadExtent, Refusal> ScanHead(std::string_view bytes, const Limits& limits) {
  return Scanner(bytes, limits).Run();
}

}  // namespace hydrapool::http
