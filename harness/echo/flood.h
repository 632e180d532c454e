#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pool/sys/error.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::harness {

/// A client that never lets its worker rest.
enum class FloodKind {
  kPipe,      ///< GET / without end in one pipeline; answers are read as fast as they come.
  kChunks,    ///< One upload of chunks of one byte to /cgi-bin/echo.
  kUpload,    ///< One upload of a terabyte to /cgi-bin/echo.
  kDownload,  ///< One download of a terabyte from /cgi-bin/flood.
};
[[nodiscard]] sys::Result<FloodKind> ParseFloodKind(std::string_view text);

struct FloodCounts {
  std::uint64_t opened = 0;
  std::uint64_t sent = 0;      ///< Bytes.
  std::uint64_t received = 0;  ///< Bytes.
};

/// Connections that flood a server while this object lives. What they get is not checked: they are there to
/// show what others feel. One that the server ends is opened again after 100 ms. One thread.
class Floods {
 public:
  Floods(sys::EventLoop& loop, const sockaddr_storage& address, socklen_t length, std::string host,
         const std::vector<FloodKind>& kinds);
  ~Floods();

  [[nodiscard]] const FloodCounts& counts() const { return counts_; }

 private:
  struct Stream;
  void Open(Stream& stream);
  void Close(Stream& stream);
  void OnEvents(Stream& stream, std::uint32_t events);

  sys::EventLoop& loop_;
  sockaddr_storage address_;
  socklen_t length_;
  std::string host_;
  std::vector<std::unique_ptr<Stream>> streams_;
  FloodCounts counts_;
};

}  // namespace hydrapool::harness
