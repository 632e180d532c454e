#include "loadgen/plan/text_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>

namespace hydrapool::loadgen {

sys::Result<std::string> ReadWholeFile(const std::string& path, std::size_t most) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> opened(
      path == "-" ? nullptr : std::fopen(path.c_str(), "re"), &std::fclose);
  std::FILE* file = path == "-" ? stdin : opened.get();
  if (file == nullptr) return sys::Failure(errno, "cannot read " + path);
  std::string text;
  std::array<char, 1 << 16> buffer;
  errno = 0;
  while (const auto n = std::fread(buffer.data(), 1, buffer.size(), file)) {
    text.append(buffer.data(), n);
    if (text.size() > most) return sys::Failure(EFBIG, "cannot read " + path);
  }
  if (std::ferror(file) != 0) return sys::Failure(errno, "cannot read " + path);
  return text;
}

}  // namespace hydrapool::loadgen
