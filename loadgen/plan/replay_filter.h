#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pool/sys/clock.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// Which of a log's requests are replayed.
///
///     method=GET,HEAD         one of these methods
///     path=^/shop/            path and query match a POSIX extended regular expression
///     status=2xx,404          what was answered then
///     from=TIME  to=TIME      the request came at `from` or later, before `to` (start_time.h)
///
/// Each rule narrows it. A request whose status the log does not know passes no rule of status. A value.
class ReplayFilter {
 public:
  /// Lets everything pass.
  ReplayFilter() = default;
  /// The error names the rule that is none.
  static sys::Result<ReplayFilter> Parse(std::span<const std::string> rules);

  /// `path`: a path and query, or a URL, of which these count. `status`: 0 where it is not known.
  [[nodiscard]] bool Passes(std::string_view method, std::string_view path, int status,
                            sys::Nanos time) const;

 private:
  struct Regex;
  /// Statuses from `first` to `last`.
  struct Range {
    int first;
    int last;
  };
  std::optional<sys::Error> Add(std::string_view name, std::string_view value);
  bool AddStatus(std::string_view text);

  std::vector<std::string> methods_;
  std::vector<std::shared_ptr<const Regex>> paths_;
  std::vector<Range> statuses_;
  std::optional<sys::Nanos> from_;
  std::optional<sys::Nanos> to_;
};

/// Of an absolute URL what stands behind its host, at least "/"; of a path all. Pure.
[[nodiscard]] std::string PathOf(std::string_view url);

}  // namespace hydrapool::loadgen
