#include "loadgen/testing/h2_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "pool/sys/error.h"
#include "pool/sys/socket.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::size_t kBig = std::size_t{1} << 20U;

// Both have to live until the field is submitted.
nghttp2_nv Field(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

struct Stream {
  std::string path;
  std::size_t body = 0;
  std::string answer;
  std::size_t answered = 0;
  bool ends = true;              // the answer
  std::uint32_t reset_with = 0;  // behind it
};

}  // namespace

class H2Server::Connection {
 public:
  Connection(H2Server& server, int fd) : server_(server), fd_(fd) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, &OnHeader);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, &OnBegin);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &OnFrame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &OnData);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &OnClose);
    nghttp2_session_server_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    const std::array settings{
        nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, server.limits_.streams},
        nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, server.limits_.window}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  }
  ~Connection() { nghttp2_session_del(session_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Serve() {
    std::array<std::uint8_t, 16384> buffer;
    while (true) {
      const auto n = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (n <= 0 || nghttp2_session_mem_recv(session_, buffer.data(), static_cast<std::size_t>(n)) < 0)
        return;
      if (!SendAll() || close_) return;
    }
  }

 private:
  static Connection& Self(void* self) { return *static_cast<Connection*>(self); }

  static int OnBegin(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    auto& me = Self(self);
    me.streams_[frame->hd.stream_id];
    const std::lock_guard lock(me.server_.mutex_);
    me.server_.most_ = std::max(me.server_.most_, me.streams_.size());
    me.server_.last_.clear();
    return 0;
  }

  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t n,
                      const std::uint8_t* value, std::size_t m, std::uint8_t, void* self) {
    auto& me = Self(self);
    const std::string name_text(reinterpret_cast<const char*>(name), n);
    const std::string value_text(reinterpret_cast<const char*>(value), m);
    if (name_text == ":path") me.streams_[frame->hd.stream_id].path = value_text;
    const std::lock_guard lock(me.server_.mutex_);
    me.server_.last_.push_back(name_text + ": " + value_text);
    return 0;
  }

  static int OnData(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t*, std::size_t size,
                    void* self) {
    Self(self).streams_[id].body += size;
    return 0;
  }

  static int OnClose(nghttp2_session*, std::int32_t id, std::uint32_t, void* self) {
    Self(self).streams_.erase(id);
    return 0;
  }

  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    const bool head = frame->hd.type == NGHTTP2_HEADERS;
    if (!head && frame->hd.type != NGHTTP2_DATA) return 0;
    auto& me = Self(self);
    const auto id = frame->hd.stream_id;
    const auto& path = me.streams_[id].path;
    if (head) {
      const std::lock_guard lock(me.server_.mutex_);
      ++me.server_.received_[path];
    }
    const bool whole = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (whole || (head && path == "/early")) me.Respond(id);
    return 0;
  }

  static ssize_t ReadAnswer(nghttp2_session* session, std::int32_t id, std::uint8_t* to, std::size_t most,
                            std::uint32_t* flags, nghttp2_data_source*, void* self) {
    auto& stream = Self(self).streams_[id];
    const auto size = std::min(most, stream.answer.size() - stream.answered);
    std::memcpy(to, stream.answer.data() + stream.answered, size);
    stream.answered += size;
    if (stream.answered < stream.answer.size()) return static_cast<ssize_t>(size);
    if (stream.ends) *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (stream.ends || size > 0) return static_cast<ssize_t>(size);
    if (stream.reset_with != 0) nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, stream.reset_with);
    return NGHTTP2_ERR_DEFERRED;
  }

  void Answer(std::int32_t id, const std::string& status, std::string body, const std::string& length = {}) {
    auto& stream = streams_[id];
    stream.answer = std::move(body);
    std::vector fields{Field(":status", status), Field("x-worker", "3.7")};
    if (!length.empty()) fields.push_back(Field("content-length", length));
    nghttp2_data_provider provider{.source = {.ptr = nullptr}, .read_callback = &ReadAnswer};
    nghttp2_submit_response(session_, id, fields.data(), fields.size(),
                            stream.answer.empty() && stream.ends ? nullptr : &provider);
  }

  void Respond(std::int32_t id) {
    auto& stream = streams_[id];
    const auto& path = stream.path;
    const auto reset = [&](std::uint32_t code) {
      nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, code);
    };
    const auto go_away = [&](std::int32_t last) {
      nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0);
    };
    if (path == "/reset") return reset(NGHTTP2_INTERNAL_ERROR);
    if (path == "/refused") return reset(NGHTTP2_REFUSED_STREAM);
    if (path == "/stall") return;
    if (path == "/goaway") return go_away(std::max(id - 2, 0));
    if (path == "/goaway-after") go_away(id);
    if (path == "/gather") return Gather(id);
    if (path == "/http1") static_cast<void>(::send(fd_, "HTTP/1.1 400 No\r\n\r\n", 19, MSG_NOSIGNAL));
    close_ = close_ || path == "/close" || path == "/close-in-body" || path == "/http1";
    if (path == "/close" || path == "/http1") return;
    stream.ends = path != "/close-in-body" && path != "/reset-in-body" && path != "/stall-body";
    stream.reset_with = path == "/reset-in-body" ? NGHTTP2_CANCEL : 0;
    if (path == "/length") return Answer(id, "200", std::to_string(stream.body) + "\n");
    if (path == "/big") return Answer(id, "200", std::string(kBig, 'x'));
    if (path == "/500") return Answer(id, "500", "no\n");
    if (path == "/no-body") return Answer(id, "204", "");
    Answer(id, "200", "ok\n", path == "/short" ? "10" : "");
  }

  void Gather(std::int32_t id) {
    gathered_.push_back(id);
    if (gathered_.size() < server_.limits_.gathered) return;
    for (const auto each : gathered_) Answer(each, "200", "ok\n");
    gathered_.clear();
  }

  bool SendAll() {
    const std::uint8_t* bytes = nullptr;
    for (auto n = nghttp2_session_mem_send(session_, &bytes); n > 0;
         n = nghttp2_session_mem_send(session_, &bytes)) {
      for (ssize_t sent = 0; sent < n;) {
        const auto taken = ::send(fd_, bytes + sent, static_cast<std::size_t>(n - sent), MSG_NOSIGNAL);
        if (taken <= 0) return false;
        sent += taken;
      }
    }
    return true;
  }

  H2Server& server_;
  const int fd_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Stream> streams_;
  std::vector<std::int32_t> gathered_;
  bool close_ = false;
};

H2Server::H2Server(Limits limits)
    : limits_(limits), listener_(sys::Check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")) {
  sys::Check(::listen(listener_.get(), 512), "listen");  // unbound: at a free port
  port_ = sys::LocalPort(listener_.get());
  acceptor_ = std::thread([this] { Accept(); });
}

H2Server::~H2Server() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  for (auto& thread : connections_) thread.join();
  for (const int fd : open_) ::close(fd);
}

void H2Server::Accept() {
  while (true) {
    const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;  // otherwise a frame waits for the client's delayed ACK of the one before
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::lock_guard lock(mutex_);
    open_.push_back(fd);
    if (stopping_) return;
    connections_.emplace_back([this, fd] {
      Connection(*this, fd).Serve();
      ::shutdown(fd, SHUT_RDWR);
    });
  }
}

std::string H2Server::Url(std::string_view path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
}

int H2Server::Received(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = received_.find(path);
  return found == received_.end() ? 0 : found->second;
}

int H2Server::Connections() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(connections_.size());
}

std::size_t H2Server::MostAtOnce() const {
  const std::lock_guard lock(mutex_);
  return most_;
}

std::vector<std::string> H2Server::LastFields() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

}  // namespace hydrapool::loadgen
