#include "loadgen/engine/curl/upload.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstring>

namespace hydrapool::loadgen {

std::size_t CurlUpload::Read(char* to, std::size_t most, sys::Nanos now) {
  auto size = std::min(most, left_.size());
  if (rate_ > 0) size = std::min(size, static_cast<std::size_t>(std::max<std::uint64_t>(rate_ / 10, 1)));
  if (size == 0) return 0;
  if (pace_.Pass(size, now) != 0) return CURL_READFUNC_PAUSE;
  std::memcpy(to, left_.data(), size);
  left_.remove_prefix(size);
  return size;
}

}  // namespace hydrapool::loadgen
