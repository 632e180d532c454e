#include "harness/echo/answer_parser.h"

namespace hydrapool::harness {

void AnswerParser::Reset() {
  buffer_.clear();
  at_ = 0;
  begun_ = false;
  broken_ = false;
  reader_.Begin(false);
}

void AnswerParser::Feed(std::string_view bytes) {
  buffer_.erase(0, at_);
  at_ = 0;
  buffer_.append(bytes);
}

std::optional<Answer> AnswerParser::Next() {
  if (broken_ || at_ == buffer_.size()) return std::nullopt;
  if (!begun_) reader_.Begin(false);
  begun_ = true;
  at_ += reader_.Feed(std::string_view(buffer_).substr(at_));
  broken_ = reader_.malformed() || reader_.until_close();
  if (!reader_.done()) return std::nullopt;
  begun_ = false;
  return Answer{.status = reader_.status(), .body = body_.text, .last = !reader_.keep_alive()};
}

}  // namespace hydrapool::harness
