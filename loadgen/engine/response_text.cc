#include "loadgen/engine/response_text.h"

#include <algorithm>

#include "loadgen/engine/inflater.h"
#include "pool/http/response_reader.h"
#include "pool/http/text.h"

namespace hydrapool::loadgen {
namespace {

class BodyText final : public http::BodySink {
 public:
  explicit BodyText(std::size_t most) : most_(most) {}

  void Begin(std::string_view content_coding) override {
    began_ = true;
    encoded_ = !content_coding.empty() && !http::EqualsIgnoringCase(content_coding, "identity");
    readable_ = !encoded_ || Inflater::Knows(content_coding);
    if (encoded_ && readable_) inflater_.Begin(content_coding);
  }
  void Feed(std::string_view bytes) override {
    if (!readable_) return;
    if (!encoded_) return Take(bytes);
    readable_ = inflater_.Feed(bytes, [this](std::string_view decoded) { Take(decoded); });
  }
  [[nodiscard]] bool began() const { return began_; }
  [[nodiscard]] bool whole() const { return readable_ && !cut_ && (!encoded_ || inflater_.whole()); }
  std::string text = {};

 private:
  void Take(std::string_view bytes) {
    const auto room = most_ - text.size();
    cut_ = cut_ || bytes.size() > room;
    text += bytes.substr(0, room);
  }

  std::size_t most_;
  Inflater inflater_;
  bool began_ = false;
  bool encoded_ = false;
  bool readable_ = true;
  bool cut_ = false;
};

bool IsEmptyLine(std::string_view line) { return line == "\n" || line == "\r\n"; }

}  // namespace

ResponseText ParseResponse(std::string_view bytes, bool to_head, std::size_t most_of_body) {
  BodyText body(most_of_body);
  http::ResponseReader reader("", &body);
  reader.Begin(to_head);
  std::size_t begin = 0;
  std::size_t end = 0;
  while (end < bytes.size() && !body.began() && !reader.malformed()) {
    const auto line = bytes.substr(end, std::min(bytes.find('\n', end), bytes.size() - 1) + 1 - end);
    reader.Feed(line);
    end += line.size();
    if (IsEmptyLine(line) && !body.began()) begin = end;
  }
  if (end < bytes.size() && !reader.malformed()) reader.Feed(bytes.substr(end));
  const bool ended = reader.done() || reader.until_close();
  return {.head = std::string(bytes.substr(begin, end - begin)),
          .body = std::move(body.text),
          .whole = ended && body.whole()};
}

}  // namespace hydrapool::loadgen
