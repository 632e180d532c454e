#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hydrapool/connection.h"
#include "pool/cgi/response_head.h"
#include "pool/http/response_writer.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::cgi {

/// The id that the request in hand has got; empty: none.
[[nodiscard]] std::string RequestIdOf(const Connection& connection);

/// The program has the request's body: its file is let go.
void HandOverBody(RequestProcess& process);

/// What every response of a worker carries, and scratch space that its couriers share.
class CourierTools {
 public:
  explicit CourierTools(std::string extra_lines, HeadReading reading = HeadReading::kLenient,
                        bool request_id_header = false);

  /// Whole lines for the answer to the request in hand.
  [[nodiscard]] std::string LinesFor(const Connection& connection) const;
  /// How programs' heads are read.
  [[nodiscard]] HeadReading reading() const { return reading_; }

  /// Shows what waits in a pipe, at most 64 KiB, without taking it out (tee(2)).
  std::string_view Look(int pipe, std::size_t most);
  /// What the last Look showed.
  [[nodiscard]] std::string_view seen() const { return {buffer_.data(), seen_}; }
  /// 64 KiB to read into; ends what `seen` says.
  [[nodiscard]] std::span<char> scratch() {
    seen_ = 0;
    return buffer_;
  }

  http::DateCache date;
  std::uint32_t least_rate = 2048;  ///< Config::least_rate
  std::optional<int> oom_score;     ///< of the worker; its programs' are higher

 private:
  std::string extra_lines_;
  const HeadReading reading_;
  const bool request_id_header_;
  sys::UniqueFd look_in_;
  sys::UniqueFd look_out_;
  std::vector<char> buffer_;
  std::size_t seen_ = 0;
};

}  // namespace hydrapool::cgi
