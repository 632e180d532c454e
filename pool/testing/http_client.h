#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pool/sys/unique_fd.h"

namespace hydrapool::support {

struct HttpAnswer {
  int status = 0;
  int interim = 0;   ///< 1xx answers that came before it
  std::string head;  ///< from the status line to the empty line
  std::string body;
  bool chunked = false;
  bool to_the_end = false;  ///< framed by the connection's end
  /// "" where there is none.
  [[nodiscard]] std::string Field(std::string_view name) const;
  [[nodiscard]] bool keeps_open() const;
};

/// A blocking client that believes nothing: an answer is framed by exactly one of Content-Length, chunks and
/// a connection that it says will end (or it has no body by its status, or the request was HEAD), and what
/// does not parse is an error told in `error()`. Every wait ends after `patience`.
class HttpClient {
 public:
  explicit HttpClient(const std::string& address,
                      std::chrono::milliseconds patience = std::chrono::seconds(15));

  [[nodiscard]] bool Send(std::string_view bytes) const;
  /// The next final answer; nullopt: none came, or not a whole one. See error().
  std::optional<HttpAnswer> Receive(bool head_request = false);
  /// Sends and receives.
  std::optional<HttpAnswer> Ask(std::string_view request, bool head_request = false);
  /// The next interim answer's status, or that of the final one's head without taking it.
  std::optional<int> ReceiveInterim();

  /// Shuts down the sending side, reads on to the end and gives what came after the last answer: "" is as it
  /// should be,
  /// "(reset)" or "(no end)" are not.
  std::string Rest(bool finish = true);
  void FinishSending() const;
  /// Closes with a reset.
  void Abort();
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  enum class Read { kSome, kEnd, kReset, kLate };
  Read ReadMore();
  bool Need(std::size_t size);
  std::optional<std::string> TakeLine();
  std::optional<std::string> TakeHead();
  bool TakeChunks(std::string& body);
  bool TakeToTheEnd(std::string& body);
  bool Fail(const std::string& why);

  sys::UniqueFd fd_;
  std::chrono::milliseconds patience_;
  std::string buffer_;
  std::string error_;
};

/// "GET TARGET HTTP/1.1", with the fields given, each ending in CRLF.
std::string Get(std::string_view target, std::string_view fields = {});
std::string Post(std::string_view target, std::string_view body, std::string_view fields = {});
std::string ChunkedPost(std::string_view target, std::string_view body, std::size_t chunk,
                        std::string_view fields = {});

/// What `flood` answers with so many bytes, and a body that differs at each of its bytes' offsets.
std::string FloodBody(std::size_t bytes);

}  // namespace hydrapool::support
