#include "pool/http/request_parser.h"

#include <boost/beast/http/basic_parser.hpp>

#include "pool/http/head_scanner.h"
#include "pool/http/request_rules.h"

namespace hydrapool::http {
namespace {

namespace beast = boost::beast;
using ErrorCode = beast::error_code;

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

class BeastHead final : public beast::http::basic_parser<true> {
 public:
  explicit BeastHead(std::vector<Field>& fields) : fields_(fields) {
    body_limit(UINT64_MAX);
    header_limit(UINT32_MAX);
  }

  [[nodiscard]] std::optional<Refusal> Split(std::string_view head) {
    ErrorCode error;
    const std::size_t used = put({head.data(), head.size()}, error);
    if (error == beast::http::error::bad_content_length)
      return Refusal{400, "malformed or conflicting Content-Length"};
    if (error == beast::http::error::bad_transfer_encoding)
      return Refusal{400, "conflicting Transfer-Encoding"};
    if (error || used != head.size() || !is_header_done()) return Refusal{400, "malformed request head"};
    return std::nullopt;
  }

  std::string_view method, target;

 private:
  void on_request_impl(beast::http::verb, beast::string_view method_text, beast::string_view target_text, int,
                       ErrorCode&) override {
    method = View(method_text);
    target = View(target_text);
  }
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                     ErrorCode&) override {
    fields_.push_back({View(name), View(value)});
  }
  void on_response_impl(int, beast::string_view, int, ErrorCode&) override {}
  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(beast::string_view, ErrorCode&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view, ErrorCode&) override { return 0; }
  void on_finish_impl(ErrorCode&) override {}

  std::vector<Field>& fields_;
};

}  // namespace

RequestParser::RequestParser(Limits limits) : limits_(limits) { fields_.reserve(limits_.max_fields); }

std::variant<NeedMore, const Request*, Refusal> RequestParser::Parse(std::string_view bytes) {
  const auto scanned = ScanHead(bytes, limits_);
  if (const auto* refusal = std::get_if<Refusal>(&scanned)) return *refusal;
  const auto* extent = std::get_if<HeadExtent>(&scanned);
  if (extent == nullptr) return NeedMore{};

  fields_.clear();
  BeastHead head(fields_);
  std::string_view text = bytes.substr(extent->begin, extent->end - extent->begin);
  if (bytes[extent->minor_at] > '1') {
    spare_head_ = text;
    spare_head_[extent->minor_at - extent->begin] = '1';
    text = spare_head_;
  }
  if (auto refusal = head.Split(text)) return *refusal;
  request_ = Request{.method = head.method,
                     .target = head.target,
                     .minor_version = extent->minor_version,
                     .head_size = extent->end,
                     .fields = fields_};
  if (const auto refusal = Interpret(request_, spare_target_)) return *refusal;
  return &request_;
}

}  // namespace hydrapool::http
