#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "pool/sys/unique_fd.h"

namespace hydrapool::loadgen {

/// For tests: an HTTP server on an ephemeral loopback port that misbehaves as the request's path says, and
/// counts what it received. A thread for each connection.
///
///   /ok /chunked /close-framed /continue /500 /big   whole responses, most with `X-Worker: 3.7`
///   /reset-before /close-before                      reads the request, then resets or closes
///   /reset-in-head /reset-in-body                    resets within the response
///   /truncate-{head,length,chunk,last-chunk}         closes within the response
///   /stall-before /stall-body                        goes silent until the client leaves
///   /then-close /then-reset                          a whole kept-alive response, then closes or resets
///   /second-dies                                     as /ok, but closes at a connection's second request
///   /garbage /bad-chunk /101 /two-lengths …          answers with what is not HTTP, or could be read in two
///                                                    ways: the table in the .cc
///   /early-hints /slow /excess /twice                whole: behind a 103, in pieces, with bytes or another
///                                                    response behind its end
///   /stall-head                                      goes silent within the head
///   /endless-head                                    a head that goes on until the client leaves
///   /endless-body                                    the same with a body
///   /move                                            302 to /ok
///   /301 /302 /303 /307 /308                         redirect to /end, which is as /ok
///   /gzip                                            as /ok, in that Content-Encoding
///   /basic /digest                                   401 without credentials of that kind, else as /ok
///   /cookie                                          as /ok, and sets a cookie
///   /mishaps                                         as /ok, but each 7000th is truncated, of the others
///                                                    each 5000th goes silent, of the rest each 1000th is
///                                                    reset
class ScriptedServer {
 public:
  ScriptedServer();
  ~ScriptedServer();

  [[nodiscard]] std::string Url(std::string_view path) const;
  [[nodiscard]] int port() const { return port_; }
  /// How many requests for `path` came.
  [[nodiscard]] int Received(const std::string& path) const;
  [[nodiscard]] int Connections() const;
  /// Whether a request came from this port of the client's.
  [[nodiscard]] bool SawPort(int port) const;
  /// The last request, head and body.
  [[nodiscard]] std::string LastRequest() const;

 private:
  void Accept();
  void Serve(int fd);
  int Note(const std::string& path, const std::string& request, int fd);

  sys::UniqueFd listener_;
  int port_ = 0;
  mutable std::mutex mutex_;
  bool stopping_ = false;
  std::map<std::string, int> received_;
  std::map<int, int> ports_;
  std::string last_;
  std::vector<int> open_;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace hydrapool::loadgen
