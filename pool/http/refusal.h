#pragma once

#include <string_view>

namespace hydrapool::http {

/// The head is not whole yet and nothing is wrong with it so far.
struct NeedMore {};

/// The request is answered with `status` and the connection closed: where the next request begins cannot be
/// trusted. `why` is a literal, one phrase for people.
struct Refusal {
  int status;
  std::string_view why;
};

}  // namespace hydrapool::http
