#include "pool/cgi/courier_tools.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "pool/access/entry.h"
#include "pool/shared/body_budget.h"
#include "pool/sys/error.h"
#include "pool/worker/request_process.h"

namespace hydrapool::cgi {

constexpr std::size_t kPipe = 64 * 1024;

std::string RequestIdOf(const Connection& connection) {
  if (!connection.docket().open()) return {};
  return std::string(access::Entry::Of(connection).Get(access::Entry::Text::kId));
}

void HandOverBody(RequestProcess& process) {
  if (process.end(ProcessEnd::kBody) < 0) return;
  process.CloseEnd(ProcessEnd::kBody);
  process.bodies().End(process.lease());
}

std::string CourierTools::LinesFor(const Connection& connection) const {
  if (!request_id_header_ || !connection.docket().open()) return extra_lines_;
  return fmt::format("{}X-Request-Id: {}\r\n", extra_lines_, RequestIdOf(connection));
}

CourierTools::CourierTools(std::string extra_lines, HeadReading reading, bool request_id_header)
    : extra_lines_(std::move(extra_lines)),
      reading_(reading),
      request_id_header_(request_id_header),
      buffer_(kPipe) {
  int ends[2];
  sys::Check(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), "pipe2");
  look_out_.Reset(ends[0]);
  look_in_.Reset(ends[1]);
  ::fcntl(ends[1], F_SETPIPE_SZ, 4 * kPipe);  // as many slots as a widened pipe has
}

std::string_view CourierTools::Look(int pipe, std::size_t most) {
  const ssize_t shown = ::tee(pipe, look_in_.get(), std::min(most, buffer_.size()), SPLICE_F_NONBLOCK);
  std::size_t got = 0;
  while (shown > 0 && got < static_cast<std::size_t>(shown)) {
    const ssize_t count = ::read(look_out_.get(), buffer_.data() + got, buffer_.size() - got);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    got += static_cast<std::size_t>(count);
  }
  seen_ = got;
  return seen();
}

}  // namespace hydrapool::cgi
