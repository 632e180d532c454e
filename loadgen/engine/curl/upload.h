#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "loadgen/engine/byte_pace.h"

namespace hydrapool::loadgen {

/// A request's body on its way to libcurl, no faster than a rate from its first byte on. libcurl's own limit
/// (CURLOPT_MAX_SEND_SPEED_LARGE) lets the first second's worth pass at once, with the head.
///
///     upload.Begin(body);                    // of each request
///     … libcurl asks: upload.Read(to, most, now); paused: ask again when it is upload.due() …
///     upload.Rewind();                       // libcurl sends it again: a redirect, or Digest
///
/// Not for several threads.
class CurlUpload {
 public:
  /// In bytes a second; 0: as fast as it is read.
  explicit CurlUpload(std::uint64_t rate) : rate_(rate), pace_(rate) {}

  /// `body` must stay where it is.
  void Begin(std::string_view body) {
    body_ = body;
    Rewind();
  }
  void Rewind() {
    left_ = body_;
    pace_.Begin();
  }
  /// How many bytes were copied, a tenth of a second's worth at most; 0: that was all; CURL_READFUNC_PAUSE:
  /// not yet.
  std::size_t Read(char* to, std::size_t most, sys::Nanos now);
  /// When the rest may pass; 0: nothing waits.
  [[nodiscard]] sys::Nanos due() const { return pace_.due(); }

 private:
  std::uint64_t rate_;
  BytePace pace_;
  std::string_view body_ = {};
  std::string_view left_ = {};
};

}  // namespace hydrapool::loadgen
