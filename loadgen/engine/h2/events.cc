#include <algorithm>
#include <charconv>
#include <cstring>

#include "loadgen/engine/expectation.h"
#include "loadgen/engine/h2/connection.h"
#include "pool/http/text.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::size_t kAroundField = 4;  // ": " and the line's end
constexpr int kFirstFinalStatus = 200;

std::string_view Text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

H2Stream* StreamOf(nghttp2_session* session, std::int32_t id) {
  return static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(session, id));
}

}  // namespace

struct H2Connection::Events {
  static H2Connection& Self(void* self) { return *static_cast<H2Connection*>(self); }

  static int OnBeginHeaders(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    auto* stream = StreamOf(session, frame->hd.stream_id);
    Self(self).reading_ = stream;
    if (stream == nullptr || stream->response.began) return 0;
    stream->response.began = true;
    stream->at.first_byte = Self(self).heard_;
    return 0;
  }

  static int OnHeader(nghttp2_session* /*session*/, const nghttp2_frame* /*frame*/, const std::uint8_t* name,
                      std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                      std::uint8_t /*flags*/, void* self) {
    auto& connection = Self(self);
    if (connection.reading_ != nullptr)
      connection.OnHeader(*connection.reading_, Text(name, name_size), Text(value, value_size));
    return 0;
  }

  static int OnFrame(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    auto& connection = Self(self);
    if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
      connection.OnSettings();
    if (frame->hd.type == NGHTTP2_GOAWAY) connection.OnGoAway(frame->goaway.error_code);
    auto* stream = frame->hd.stream_id != 0 ? StreamOf(session, frame->hd.stream_id) : nullptr;
    if (stream == nullptr) return 0;
    if (frame->hd.type == NGHTTP2_RST_STREAM) stream->response.reset = true;
    if (frame->hd.type == NGHTTP2_HEADERS) connection.OnHead(*stream);
    const bool ends = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (ends && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) connection.OnWhole(*stream);
    return 0;
  }

  static int OnData(nghttp2_session* session, std::uint8_t /*flags*/, std::int32_t id,
                    const std::uint8_t* bytes, std::size_t size, void* self) {
    if (auto* stream = StreamOf(session, id); stream != nullptr)
      Self(self).OnData(*stream, Text(bytes, size));
    return 0;
  }

  static int OnStreamClose(nghttp2_session* session, std::int32_t id, std::uint32_t code, void* self) {
    if (auto* stream = StreamOf(session, id); stream != nullptr) Self(self).OnClosed(*stream, code);
    return 0;
  }

  /// A request that could not be sent: the server goes away.
  static int OnNotSent(nghttp2_session* /*session*/, const nghttp2_frame* frame, int error, void* self) {
    auto& connection = Self(self);
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    const auto found = std::ranges::find_if(
        connection.active_, [&](const H2Stream* stream) { return stream->id == frame->hd.stream_id; });
    if (found == connection.active_.end()) return 0;
    auto& stream = **found;
    nghttp2_session_set_stream_user_data(connection.session_.get(), stream.id, nullptr);
    const bool leaves = connection.leaving() && !connection.words_.empty();
    connection.Over(stream, leaves ? Outcome::kStreamRefused : Outcome::kOther,
                    leaves ? connection.words_ : nghttp2_strerror(error), sys::Now());
    return 0;
  }

  static int OnInvalidFrame(nghttp2_session* session, const nghttp2_frame* frame, int error, void* /*self*/) {
    if (auto* stream = StreamOf(session, frame->hd.stream_id); stream != nullptr)
      stream->response.malformed = nghttp2_strerror(error);
    return 0;
  }

  static int OnError(nghttp2_session* /*session*/, int /*error*/, const char* words, std::size_t size,
                     void* self) {
    Self(self).words_.assign(words, size);
    return 0;
  }

  static ssize_t ReadBody(nghttp2_session* session, std::int32_t id, std::uint8_t* to, std::size_t most,
                          std::uint32_t* flags, nghttp2_data_source* source, void* /*self*/) {
    auto* stream = static_cast<H2Stream*>(source->ptr);
    if (StreamOf(session, id) != stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const auto size = std::min(most, stream->unsent.size());
    std::memcpy(to, stream->unsent.data(), size);
    stream->unsent.remove_prefix(size);
    if (!stream->unsent.empty()) return static_cast<ssize_t>(size);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    stream->sent_whole = true;
    return static_cast<ssize_t>(size);
  }
};

nghttp2_session_callbacks* H2Connection::MakeCallbacks() {
  nghttp2_session_callbacks* callbacks = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) return nullptr;
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, &Events::OnBeginHeaders);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, &Events::OnHeader);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &Events::OnFrame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &Events::OnData);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &Events::OnStreamClose);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, &Events::OnNotSent);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, &Events::OnInvalidFrame);
  nghttp2_session_callbacks_set_error_callback2(callbacks, &Events::OnError);
  return callbacks;
}

nghttp2_data_provider H2Connection::BodyOf(H2Stream& stream) {
  return {.source = {.ptr = &stream}, .read_callback = &Events::ReadBody};
}

void H2Connection::OnHeader(H2Stream& stream, std::string_view name, std::string_view value) {
  const auto& plan = shared_.thread.plan;
  stream.response.bytes += name.size() + value.size() + kAroundField;
  if (plan.wire.tap != nullptr) ShowField(name, value);
  if (stream.response.head_whole) return;
  if (name == ":status") {
    std::from_chars(value.data(), value.data() + value.size(), stream.response.status);
    const auto at = static_cast<std::size_t>(stream.response.status);
    stream.response.tells = stream.response.status >= kFirstFinalStatus &&
                            !IsExpected(plan, stream.response.status) && at < shared_.told.size() &&
                            !shared_.told.test(at);
    if (stream.response.tells) stream.response.KeepHead("HTTP/2 ");
    if (stream.response.tells) stream.response.KeepHead(value);
  } else {
    if (!plan.worker_header.empty() && http::EqualsIgnoringCase(name, plan.worker_header))
      stream.response.worker = value;
    if (stream.response.check.needed() && name == "content-encoding") stream.response.coding = value;
    if (!stream.response.tells) return;
    stream.response.KeepHead(name);
    stream.response.KeepHead(": ");
    stream.response.KeepHead(value);
  }
  if (stream.response.tells) stream.response.KeepHead("\r\n");
}

void H2Connection::OnHead(H2Stream& stream) {
  if (plan().wire.tap != nullptr) plan().wire.tap->Received("\r\n");
  if (stream.response.head_whole || stream.response.status < kFirstFinalStatus) return;
  stream.response.head_whole = true;
  if (stream.response.check.needed()) stream.response.check.Begin(stream.response.coding);
  if (stream.response.tells) stream.response.KeepHead("\r\n");
}

void H2Connection::OnData(H2Stream& stream, std::string_view bytes) {
  if (plan().wire.tap != nullptr) plan().wire.tap->Received(bytes);
  stream.response.body_bytes += bytes.size();
  if (stream.response.check.needed()) stream.response.check.Feed(bytes);
  if (stream.response.tells) stream.response.KeepBody(bytes);
}

void H2Connection::ShowRequest(std::span<const nghttp2_nv> fields, std::string_view body) const {
  std::string method;
  std::string path;
  std::string rest;
  for (const auto& field : fields) {
    const auto name = Text(field.name, field.namelen);
    const auto value = Text(field.value, field.valuelen);
    if (name == ":method") {
      method = value;
    } else if (name == ":path") {
      path = value;
    } else if (name != ":scheme") {
      rest.append(name == ":authority" ? "host" : name).append(": ").append(value).append("\r\n");
    }
  }
  plan().wire.tap->Sent(method + " " + path + " HTTP/2\r\n" + rest + "\r\n");
  if (!body.empty()) plan().wire.tap->Sent(body);
}

void H2Connection::ShowField(std::string_view name, std::string_view value) const {
  std::string line = name == ":status" ? "HTTP/2" : std::string(name) + ":";
  plan().wire.tap->Received(line.append(" ").append(value).append("\r\n"));
}

}  // namespace hydrapool::loadgen
