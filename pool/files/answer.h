#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pool/files/conditions.h"
#include "pool/http/request.h"

namespace hydrapool::files {

/// A file as it is to be sent.
struct FileFacts {
  std::uint64_t size = 0;
  Validators validators;
  std::string_view type;
  std::string_view coding = {};  ///< Content-Encoding; empty: none
  bool varies = false;           ///< there are codings of it to choose from
};

/// An answer of text and parts of the file: each piece's text, then its part, and a last text.
struct Answer {
  struct Piece {
    std::string text;
    ByteRange part;
  };
  int status = 200;
  std::vector<Piece> pieces;  ///< the first piece's text begins with the head
  std::string end;

  [[nodiscard]] std::uint64_t text_size() const;
  [[nodiscard]] std::uint64_t part_size() const;
};

/// What every answer of a worker carries.
struct AnswerFrame {
  bool keep_alive = true;
  std::string_view date = {};
  std::string_view extra_lines = {};
  std::string_view boundary = {};  ///< between the parts of a multipart/byteranges
};

/// The answer to a GET or HEAD: 200, 206 with one part or several, 304, 412 or 416. Pure.
[[nodiscard]] Answer AnswerFor(const http::Request& request, const FileFacts& file, const AnswerFrame& frame);

}  // namespace hydrapool::files
