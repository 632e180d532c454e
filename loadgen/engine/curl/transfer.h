#pragma once

#include <curl/curl.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/engine/body_check.h"
#include "loadgen/engine/curl/outcome.h"
#include "loadgen/engine/curl/sockets.h"
#include "loadgen/plan/plan.h"
#include "loadgen/stats/tally.h"
#include "pool/http/response_head_reader.h"

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
/// just before a request would go out; if it is gone, the transfer ends `stale` and the caller starts it
/// anew.
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

  /// The connection it was to go out on was closed already. Nothing was sent: `Begin(attempt())` again.
  [[nodiscard]] bool stale() const { return stale_; }

  /// What became of it, as libcurl says. Valid until the next Begin.
  [[nodiscard]] Result Ended(CURLcode code, sys::Nanos now);
  /// What became of it, where the caller ends it for want of time.
  [[nodiscard]] Result TimedOut(sys::Nanos now);

  [[nodiscard]] CURL* handle() const { return easy_.get(); }
  [[nodiscard]] const Attempt& attempt() const { return attempt_; }
  [[nodiscard]] int local_port() const { return local_port_; }

 private:
  struct Cleanup {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  };

  static int OnRequest(void* self, char*, char*, int, int local_port);
  static curl_socket_t OnOpenSocket(void* self, curlsocktype, curl_sockaddr* address);
  static int OnCloseSocket(void* sockets, curl_socket_t fd);
  static std::size_t OnHeader(char* data, std::size_t size, std::size_t n, void* self);
  static std::size_t OnBody(char* data, std::size_t size, std::size_t n, void* self);

  void SetExtras();
  void BeginHead();
  [[nodiscard]] bool IsSecondTime();
  /// The response that came is to be followed by another request: a redirect, or one that asks for Digest.
  [[nodiscard]] bool LeadsOn() const;
  void NoteConnected();
  bool TakeHeadLine(std::string_view line);
  [[nodiscard]] bool IsStale(int local_port) const;
  [[nodiscard]] std::string Explain(Outcome outcome, CURLcode code, int error_number) const;
  [[nodiscard]] Result ResultOf(Outcome outcome, sys::Nanos now) const;
  /// Of the sockets that were made for this request, the one with that port; the others are of no use.
  [[nodiscard]] int TakeOpened(int local_port);
  void NoteProtocol();
  void AnswerWithGet();

  const Plan& plan_;
  CurlSockets& sockets_;
  std::unique_ptr<CURL, Cleanup> easy_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  Attempt attempt_;
  CurlEnding ending_;
  std::vector<int> opened_;  // the sockets made for this request that have not carried it
  bool stale_ = false;
  int local_port_ = 0;
  Moments at_;
  http::ResponseHeadReader head_;
  std::string detail_;
  BodyCheck check_;
  const CurlRequest* applied_ = nullptr;  // what the handle is set up for
  bool new_connection_ = false;           // carried this request as its first
  CurlRequestBuffers own_;
  long redirects_ = 0;
  CurlList connect_to_;
  CurlList resolve_;
};

}  // namespace hydrapool::loadgen
