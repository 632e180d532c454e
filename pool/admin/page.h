#pragma once

#include <string>

namespace hydrapool::admin {

/// What a callback renders for a path, and what a client gets.
struct Page {
  int status = 200;
  std::string content_type = {};
  std::string body = {};
};

}  // namespace hydrapool::admin
