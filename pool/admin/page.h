#pragma once

#include <string>

namespace hydrapool::admin {

/// What a callback renders for a path, and what a client gets.
struct Page {
  int status = 200;
  std::string content_type = {};
  std::string body = {};
  bool lets_successor_listen = false;  ///< a Server that has said it lets another one listen at its address
};

}  // namespace hydrapool::admin
