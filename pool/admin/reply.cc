#include "pool/admin/reply.h"

#include "pool/http/response_reader.h"

namespace hydrapool::admin {
namespace {

class Keep final : public http::BodySink {
 public:
  explicit Keep(std::string& body) : body_(body) {}
  void Begin(std::string_view) override {}
  void Feed(std::string_view bytes) override { body_.append(bytes); }

 private:
  std::string& body_;
};

}  // namespace

std::optional<sys::Result<Page>> ReadReply(std::string_view bytes, bool ended) {
  Page page;
  Keep body(page.body);
  http::ResponseReader reader("Content-Type", &body);
  reader.Begin(false);
  reader.Feed(bytes);
  if (ended) reader.Close();
  if (reader.malformed()) return sys::Failure("not an HTTP response: " + std::string(reader.wrong()));
  if (!reader.done() && !ended) return std::nullopt;
  if (!reader.done()) return sys::Failure("the response ended too early");
  page.status = reader.status();
  page.content_type = reader.kept();
  return page;
}

}  // namespace hydrapool::admin
