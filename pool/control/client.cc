#include "pool/control/client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "pool/sys/await.h"
#include "pool/sys/clock.h"
#include "pool/sys/socket.h"

namespace hydrapool::control {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;

constexpr std::chrono::hours kForever{24 * 365};
constexpr milliseconds kPause{5};

milliseconds Until(sys::Nanos deadline) {
  return milliseconds(std::max<sys::Nanos>(0, (deadline - sys::Now()) / sys::kMillisecond));
}

/// A command on its way, and the lines that come back.
class Conversation {
 public:
  static sys::Result<Conversation> Begin(const std::string& path, const std::string& command) {
    auto fd = sys::Connect("unix:" + path, milliseconds(0));
    if (!fd) return tl::unexpected(fd.error());
    const std::string line = command + "\n";
    ::send(fd->get(), line.data(), line.size(), MSG_NOSIGNAL);  // where it fails, there is nothing to read
    return Conversation(std::move(*fd));
  }

  /// nullopt: the end. An Error: nothing within `patience`, or no JSON.
  sys::Result<std::optional<Json>> Next(milliseconds patience) {
    for (;;) {
      if (const auto end = input_.find('\n'); end != input_.npos) {
        Json line = Json::parse(input_.substr(0, end), nullptr, false);
        input_.erase(0, end + 1);
        if (!line.is_object()) return sys::Failure("what listens there is no server of this kind");
        return line;
      }
      if (!sys::Await(fd_.get(), POLLIN, patience)) return sys::Failure(ETIMEDOUT, "no answer");
      std::array<char, 16 * 1024> buffer;
      const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return std::nullopt;
      input_.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  explicit Conversation(sys::UniqueFd fd) : fd_(std::move(fd)) {}
  sys::UniqueFd fd_;
  std::string input_;
};

tl::unexpected<sys::Error> Refused(const Json& line) {
  const Json& why = line.at("error");
  return sys::Failure(why.is_string() ? why.get<std::string>() : why.dump());
}

bool IsLast(const Json& line) { return line.contains("ok") || line.contains("error"); }

/// nullopt: it broke off.
sys::Result<std::optional<Reply>> AskOnce(const std::string& path, const std::string& command,
                                          sys::Nanos deadline) {
  auto conversation = Conversation::Begin(path, command);
  if (!conversation) return tl::unexpected(conversation.error());
  for (Reply reply;;) {
    auto line = conversation->Next(Until(deadline));
    if (!line) return tl::unexpected(line.error());
    if (!*line) return std::nullopt;
    if (!IsLast(**line)) {
      reply.lines.push_back((*line)->dump());
      continue;
    }
    if ((*line)->contains("error")) return Refused(**line);
    reply.last = (*line)->dump();
    return reply;
  }
}

}  // namespace

sys::Result<Reply> Ask(const std::string& path, const std::string& command, milliseconds patience) {
  const sys::Nanos deadline = sys::Now() + patience / milliseconds(1) * sys::kMillisecond;
  for (;;) {
    auto reply = AskOnce(path, command, deadline);
    if (!reply) return tl::unexpected(reply.error());
    if (*reply) return std::move(**reply);
    if (sys::Now() > deadline) return sys::Failure("the connection ended without an answer");
    ::poll(nullptr, 0, kPause.count());
  }
}

sys::Result<bool> Watch(const std::string& path, const std::function<bool(const Json& event)>& show) {
  std::string command = "watch";
  for (bool begun = false;;) {
    auto conversation = Conversation::Begin(path, command);
    if (!conversation && begun) return true;
    if (!conversation) return tl::unexpected(conversation.error());
    for (;;) {
      auto line = conversation->Next(kForever);
      if (!line) return tl::unexpected(line.error());
      if (!*line) break;
      if ((*line)->contains("error")) return Refused(**line);
      begun = true;
      if ((*line)->contains("cursor")) command = "watch " + (*line)->at("cursor").get<std::string>();
      (*line)->erase("cursor");
      if (!show(**line)) return false;
    }
    ::poll(nullptr, 0, kPause.count());  // the next parent is on its way
  }
}

}  // namespace hydrapool::control
