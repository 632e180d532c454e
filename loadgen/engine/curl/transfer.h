#pragma once

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "loadgen/engine/byte_pace.h"
#include "loadgen/engine/curl/connection.h"
#include "loadgen/engine/curl/handle.h"
#include "loadgen/engine/curl/outcome.h"
#include "loadgen/engine/curl/response.h"
#include "loadgen/engine/curl/sockets.h"
#include "loadgen/engine/curl/upload.h"
#include "loadgen/plan/plan.h"
#include "loadgen/stats/tally.h"

namespace hydrapool::loadgen {

/// One libcurl easy handle and the request it is carrying: as many as there are connections, used again and
/// again.
///
///   idle → Begin → under way → Ended / TimedOut → idle
///
/// It sees for itself what libcurl does not tell: when the request was handed to a connection, whether the
/// response began, whether its head was whole. And it stops libcurl from sending a request twice: libcurl
/// does so when a kept-alive connection dies before the first byte of the response, with no option against
/// it, but it must ask for a socket or announce the request again first (CURLOPT_OPENSOCKETFUNCTION,
/// CURLOPT_PREREQFUNCTION), and is refused. A redirect that is followed is not that, nor is the request that
/// answers a 401 with Digest: a response came first.
///
/// A kept-alive connection that the server closed while it was idle is no failure: nothing has been sent on
/// it. libcurl does not notice all of them (7.88 takes one that was reset for alive), so each is looked at
/// just before a request would go out; if it is gone, the transfer ends and the caller starts it again.
///
/// Not movable: libcurl holds its address. One thread's.
class CurlTransfer {
 public:
  /// Both must outlive it, and `sockets` also libcurl's last connection.
  CurlTransfer(const Plan& plan, CurlSockets& sockets);
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  /// Sets the next request up; the caller then adds `handle()` to its multi handle.
  void Begin(const Attempt& attempt);
  /// The same request, where nothing of it was sent.
  void BeginAgain();

  /// It ended, as libcurl says, but nothing was sent: the connection it was to go out on was closed already,
  /// or could not be made and the host has another address. BeginAgain() then.
  [[nodiscard]] bool ToBeResumed(CURLcode code);

  [[nodiscard]] CurlConnection& connection() { return connection_; }

  /// What became of it, as libcurl says. Valid until the next Begin.
  [[nodiscard]] Result Ended(CURLcode code, sys::Nanos now);
  /// What became of it, where the caller ends it for want of time.
  [[nodiscard]] Result TimedOut(sys::Nanos now);

  /// When the rest of the body that waits for its time (Extras::limit_rate) may pass; 0: none does.
  [[nodiscard]] sys::Nanos paused_until() const {
    const auto up = upload_.due();
    const auto down = pace_.due();
    return up == 0 || down == 0 ? up + down : std::min(up, down);
  }
  /// It is that time.
  void GoOn() { curl_easy_pause(easy_.get(), CURLPAUSE_CONT); }

  [[nodiscard]] CURL* handle() const { return easy_.get(); }
  [[nodiscard]] const Attempt& attempt() const { return attempt_; }
  [[nodiscard]] int local_port() const { return connection_.local_port(); }

 private:
  /// What the handle is set up for.
  struct Applied {
    const CurlRequest* request = nullptr;
    CurlRequestBuffers buffers = {};
  };

  static int OnRequest(void* self, char*, char*, int, int local_port);
  static curl_socket_t OnOpenSocket(void* self, curlsocktype, curl_sockaddr* address);
  static int OnCloseSocket(void* sockets, curl_socket_t fd);
  static std::size_t OnHeader(char* data, std::size_t size, std::size_t n, void* self);
  static std::size_t OnBody(char* data, std::size_t size, std::size_t n, void* self);
  static std::size_t OnUpload(char* to, std::size_t size, std::size_t n, void* self);
  static int OnRewind(void* self, curl_off_t offset, int origin);

  void BeginResponse();
  void SetUp();
  [[nodiscard]] bool IsSecondTime();
  /// The response that came is to be followed by another request: a redirect, or one that asks for Digest.
  [[nodiscard]] bool LeadsOn() const;
  void NoteConnected();
  [[nodiscard]] bool IsStale(int local_port) const;
  [[nodiscard]] std::string Explain(Outcome outcome, CURLcode code, int error_number) const;
  [[nodiscard]] Result ResultOf(Outcome outcome, sys::Nanos now) const;
  void NoteProtocol();
  void AnswerWithGet();

  const Plan& plan_;
  CurlSockets& sockets_;
  CurlHandle easy_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  Attempt attempt_;
  CurlEnding ending_;
  CurlConnection connection_;
  Moments at_;
  CurlResponse response_;
  std::string detail_;
  BytePace pace_;  // of the response
  CurlUpload upload_;
  Applied applied_;
  bool stale_ = false;
  long redirects_ = 0;
};

}  // namespace hydrapool::loadgen
