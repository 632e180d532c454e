#include "pool/sys/error.h"

#include <system_error>

namespace hydrapool::sys {

tl::unexpected<Error> Failure(int code, std::string_view what) {
  return tl::unexpected<Error>(Error{code, std::string(what) + ": " + std::generic_category().message(code)});
}

tl::unexpected<Error> Failure(std::string message) {
  return tl::unexpected<Error>(Error{0, std::move(message)});
}

void ThrowErrno(int code, const std::string& what) {
  throw std::system_error(code, std::generic_category(), what);
}

}  // namespace hydrapool::sys
