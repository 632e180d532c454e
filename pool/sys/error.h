#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace hydrapool::sys {

/// Why something that the caller must decide about did not work: an errno (0 where there is none) and one
/// line for people.
struct Error {
  int code = 0;
  std::string message;
};

/// What the caller must choose about (start a CGI, load a file): the value or the Error. Failures to acquire
/// something at start-up throw std::system_error instead, what would block is a nullopt, and bugs abort.
template <typename T>
using Result = tl::expected<T, Error>;

/// An Error of `code` that reads "WHAT: strerror(code)".
[[nodiscard]] tl::unexpected<Error> Failure(int code, std::string_view what);

/// An Error without an errno.
[[nodiscard]] tl::unexpected<Error> Failure(std::string message);

/// Throws std::system_error of `code`. Capture errno at once: ThrowErrno(errno, "bind 0.0.0.0:8080").
[[noreturn]] void ThrowErrno(int code, const std::string& what);

/// The usual "non-negative or throw": `fd = Check(::socket(...), "socket")`.
template <typename Int>
Int Check(Int result, const char* what) {
  if (result < 0) ThrowErrno(errno, what);
  return result;
}

}  // namespace hydrapool::sys
