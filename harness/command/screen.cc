#include "harness/command/screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

namespace hydrapool::harness {

std::optional<std::size_t> ColumnsOf(int fd) {
  constexpr std::size_t kUsual = 80;
  if (::isatty(fd) != 1) return std::nullopt;
  winsize size{};
  const bool told = ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return told ? size.ws_col : kUsual;
}

}  // namespace hydrapool::harness
