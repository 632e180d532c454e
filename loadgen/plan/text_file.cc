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

sys::Result<std::string> ReadText(const std::string& path, std::size_t most) {
  auto text = ReadWholeFile(path, most);
  if (!text) return text;
  if (text->starts_with("\xEF\xBB\xBF")) text->erase(0, 3);
  if (text->starts_with("\x1F\x8B")) return sys::Failure(path + " is compressed (zcat decodes it)");
  if (text->starts_with("\x28\xB5\x2F\xFD"))
    return sys::Failure(path + " is compressed (zstdcat decodes it)");
  if (text->starts_with("\xFF\xFE") || text->starts_with("\xFE\xFF"))
    return sys::Failure(path + " is UTF-16 (iconv -f UTF-16 -t UTF-8 decodes it)");
  return text;
}

}  // namespace hydrapool::loadgen
