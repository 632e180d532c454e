#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "pool/shared/rescue.h"
#include "pool/simulation/oracle.h"
#include "pool/simulation/program.h"

namespace hydrapool::simulation {
namespace {

struct Expected {
  std::string what;
  std::string body;
  bool program = false;
  bool may_be_last = false;  // it is answered before it was taken whole: the connection ends then
};

/// Takes one response apart. It knows only what this server may say.
class Response {
 public:
  /// Takes bytes up to the response's end; returns how many, or SIZE_MAX for what is no response.
  std::size_t Take(std::string_view bytes);
  [[nodiscard]] bool whole() const { return stage_ == Stage::kWhole; }
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] const std::string& body() const { return body_; }
  [[nodiscard]] bool begun() const { return stage_ != Stage::kHead || !line_.empty(); }

 private:
  enum class Stage : std::uint8_t { kHead, kBody, kChunkSize, kChunk, kChunkEnd, kTrailer, kWhole };
  bool TakeHead();
  bool TakeLine(char c);

  Stage stage_ = Stage::kHead;
  std::string line_;  // or the head
  int status_ = 0;
  std::uint64_t left_ = 0;
  std::string body_;
};

bool Response::TakeHead() {
  if (!line_.starts_with("HTTP/1.1 ")) return false;
  std::from_chars(line_.data() + 9, line_.data() + 12, status_);
  const bool interim = status_ / 100 == 1;
  const auto length = line_.find("\r\nContent-Length: ");
  const bool chunked = line_.find("\r\nTransfer-Encoding: chunked\r\n") != line_.npos;
  if (!interim && (length == line_.npos) != chunked) return false;
  if (interim) {
    stage_ = Stage::kHead;
  } else if (chunked) {
    stage_ = Stage::kChunkSize;
  } else {
    std::from_chars(line_.data() + length + 18, line_.data() + line_.size(), left_);
    stage_ = left_ == 0 ? Stage::kWhole : Stage::kBody;
  }
  line_.clear();
  return true;
}

// One byte of what comes in lines.
bool Response::TakeLine(char c) {
  line_ += c;
  if (stage_ == Stage::kHead) return !line_.ends_with("\r\n\r\n") || TakeHead();
  if (!line_.ends_with("\r\n")) return line_.size() < 20;
  if (stage_ == Stage::kChunkSize) {
    const auto [end, error] = std::from_chars(line_.data(), line_.data() + line_.size(), left_, 16);
    if (error != std::errc() || *end != '\r') return false;
    stage_ = left_ == 0 ? Stage::kTrailer : Stage::kChunk;
  } else {
    if (line_ != "\r\n") return false;
    stage_ = stage_ == Stage::kTrailer ? Stage::kWhole : Stage::kChunkSize;
  }
  line_.clear();
  return true;
}

std::size_t Response::Take(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !whole()) {
    if (stage_ != Stage::kBody && stage_ != Stage::kChunk) {
      if (!TakeLine(bytes[taken++])) return SIZE_MAX;
      continue;
    }
    const auto count = std::min<std::uint64_t>(left_, bytes.size() - taken);
    body_ += bytes.substr(taken, count);
    taken += count;
    left_ -= count;
    if (left_ == 0) stage_ = stage_ == Stage::kBody ? Stage::kWhole : Stage::kChunkEnd;
  }
  return taken;
}

class HttpOracle final : public Oracle {
 public:
  HttpOracle(Random& random, std::uint32_t& next_id, bool crowded) : crowded_(crowded) {
    for (auto left = random.Between(1, random.OneIn(3) ? 12 : 3); left > 0; --left) Add(random, next_id++);
  }

  [[nodiscard]] std::string Requests() const override { return requests_; }
  std::string Judge(std::string_view bytes, std::uint64_t deaths) override;
  [[nodiscard]] std::string JudgeEnd(Ending ending, std::uint64_t, bool draining) const override {
    if (draining && !response_.begun()) return "";
    const bool early = next_ > 0 && expected_[next_ - 1].may_be_last && !response_.begun();
    const bool reset = ending == Ending::kReset;
    if (complete() || excused_ || (early && !reset)) return "";
    return reset ? "its connection was reset" : "its connection has ended";
  }
  [[nodiscard]] bool complete() const override { return next_ == expected_.size(); }
  [[nodiscard]] std::size_t answered() const override { return next_; }
  [[nodiscard]] std::string Describe() const override {
    return fmt::format("{} of {} answers and {} bytes of {}", next_, expected_.size(),
                       response_.body().size(), complete() ? "no more" : expected_[next_].what);
  }

 private:
  void Add(Random& random, std::uint32_t id);
  void AddBody(Random& random, std::string_view body, bool chunked);
  std::string JudgeWhole(std::uint64_t deaths);

  const bool crowded_;
  std::string requests_;
  std::vector<Expected> expected_;
  std::size_t next_ = 0;
  Response response_;
  bool excused_ = false;
};

void HttpOracle::Add(Random& random, std::uint32_t id) {
  if (random.OneIn(4)) {
    requests_ += fmt::format("GET /?{} HTTP/1.1\r\nHost: h\r\n\r\n", id);
    expected_.push_back({fmt::format("/?{}", id), fmt::format("hello {}\n", id)});
    return;
  }
  constexpr ProgramManner kManners[]{ProgramManner::kReads, ProgramManner::kIgnores, ProgramManner::kEchoes,
                                     ProgramManner::kRedirects};
  constexpr std::uint32_t kSizes[]{1, 100, 5'000, 100'000};
  constexpr std::uint32_t kBodies[]{10, 3'000, 40'000};
  // A redirect's second program may have a place more than there are.
  const ProgramManner manner = kManners[random.Below(crowded_ ? 3 : 4)];
  const auto size = static_cast<std::uint32_t>(random.Below(kSizes[random.Below(std::size(kSizes))]));
  const bool posts = random.OneIn(2);
  const bool chunked = posts && random.OneIn(4);
  std::string body;
  if (posts)
    body =
        Request{.id = ~id,
                .size = static_cast<std::uint32_t>(random.Below(kBodies[random.Below(std::size(kBodies))]))}
            .Answer();
  const std::string target =
      fmt::format("/cgi-bin/p?{}.{}.{}.{}", static_cast<char>(manner), id, size, random.Below(2));
  requests_ += fmt::format("{} {} HTTP/1.1\r\nHost: h\r\n", posts ? "POST" : "GET", target);
  if (posts) {
    AddBody(random, body, chunked);
  } else {
    requests_ += "\r\n";
  }
  expected_.push_back(
      {target + fmt::format(" with {} bytes{}", body.size(), chunked ? " in chunks" : ""),
       ProgramAnswer(manner, id, size, body), true,
       (manner == ProgramManner::kIgnores || manner == ProgramManner::kRedirects) && posts && !chunked});
}

void HttpOracle::AddBody(Random& random, std::string_view body, bool chunked) {
  if (random.OneIn(4)) requests_ += "Expect: 100-continue\r\n";
  if (!chunked) {
    requests_ += fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body);
    return;
  }
  requests_ += "Transfer-Encoding: chunked\r\n\r\n";
  while (!body.empty()) {
    const std::size_t size = random.Some(std::min<std::size_t>(body.size(), 9'000));
    requests_ += fmt::format("{:x}\r\n{}\r\n", size, body.substr(0, size));
    body.remove_prefix(size);
  }
  requests_ += "0\r\n\r\n";
}

std::string HttpOracle::Judge(std::string_view bytes, std::uint64_t deaths) {
  while (!bytes.empty()) {
    if (excused_ || complete()) return "more bytes than it asked for";
    const std::size_t taken = response_.Take(bytes);
    if (taken == SIZE_MAX) return fmt::format("it got '{}', which is no response", bytes.substr(0, 200));
    bytes.remove_prefix(taken);
    if (!response_.whole()) return "";
    if (std::string wrong = JudgeWhole(deaths); !wrong.empty()) return wrong;
  }
  return "";
}

std::string HttpOracle::JudgeWhole(std::uint64_t deaths) {
  Expected& expected = expected_[next_];
  const Response response = std::exchange(response_, {});
  if (response.status() == 502 && deaths > kRescuesToPoison) {
    excused_ = true;
    return "";
  }
  if (response.status() == 503 && crowded_ && expected.program) {
    expected.may_be_last = true;
    ++next_;
    return "";
  }
  if (response.status() != 200) return fmt::format("it got a {} ({})", response.status(), response.body());
  if (response.body() != expected.body)
    return fmt::format("it got {} bytes that are not the {} right ones", response.body().size(),
                       expected.body.size());
  ++next_;
  return "";
}

}  // namespace

std::unique_ptr<Oracle> MakeHttpOracle(Random& random, std::uint32_t& next_id, bool crowded) {
  return std::make_unique<HttpOracle>(random, next_id, crowded);
}

}  // namespace hydrapool::simulation
