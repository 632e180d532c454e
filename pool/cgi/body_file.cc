#include "pool/cgi/body_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace hydrapool::cgi {

sys::UniqueFd MemoryFile() { return sys::UniqueFd(::memfd_create("request body", MFD_CLOEXEC)); }

BodyFile::BodyFile(std::string directory) : directory_(std::move(directory)), file_(MemoryFile()) {}

bool BodyFile::Append(std::string_view bytes) {
  if (!file_) return false;
  if (!on_disk_ && size_ + bytes.size() > kMostInMemory && !MoveToDisk()) return false;
  size_ += bytes.size();
  return Write(bytes);
}

bool BodyFile::MoveToDisk() {
  sys::UniqueFd disk(::open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!disk) return false;
  off_t from = 0;
  while (static_cast<std::uint64_t>(from) < size_) {
    if (::sendfile(disk.get(), file_.get(), &from, size_ - static_cast<std::uint64_t>(from)) <= 0)
      return false;
  }
  file_ = std::move(disk);
  on_disk_ = true;
  return true;
}

bool BodyFile::Write(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace hydrapool::cgi
