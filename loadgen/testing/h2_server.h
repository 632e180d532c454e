#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "pool/sys/unique_fd.h"

namespace hydrapool::loadgen {

/// For tests: a server of HTTP/2 with prior knowledge on an ephemeral loopback port (nghttp2) that misbehaves
/// as the request's path says, and counts what it received. A thread for each connection.
///
///   /ok /500 /big /no-body        whole responses, most with `x-worker: 3.7`; /big has a MiB
///   /length                       says how many bytes the request's body had
///   /early                        answers before the body has come
///   /gather                       answers once as many requests wait for it as Limits::gathered says
///   /reset /reset-in-body         RST_STREAM (INTERNAL_ERROR), within the response (CANCEL)
///   /refused                      RST_STREAM (REFUSED_STREAM)
///   /goaway /goaway-after         GOAWAY that excludes this request; that includes it, and answers it
///   /close /close-in-body         ends the connection before or within the response
///   /short                        the body is shorter than Content-Length says
///   /stall /stall-body            says nothing; nothing more behind the first bytes of the body
///   /http1                        ends the connection with an answer of HTTP/1.1
class H2Server {
 public:
  struct Limits {
    unsigned streams = 100;   ///< SETTINGS_MAX_CONCURRENT_STREAMS
    unsigned window = 65535;  ///< SETTINGS_INITIAL_WINDOW_SIZE
    std::size_t gathered = 1;
  };

  explicit H2Server(Limits limits);
  H2Server() : H2Server(Limits{}) {}
  ~H2Server();

  [[nodiscard]] std::string Url(std::string_view path) const;
  [[nodiscard]] int Received(const std::string& path) const;
  [[nodiscard]] int Connections() const;
  /// The most requests that were open at a time on one connection.
  [[nodiscard]] std::size_t MostAtOnce() const;
  /// The last request's fields, "name: value" each.
  [[nodiscard]] std::vector<std::string> LastFields() const;

 private:
  class Connection;
  void Accept();

  const Limits limits_;
  sys::UniqueFd listener_;
  int port_ = 0;
  mutable std::mutex mutex_;
  bool stopping_ = false;
  std::map<std::string, int> received_;
  std::vector<std::string> last_;
  std::size_t most_ = 0;
  std::vector<int> open_;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace hydrapool::loadgen
