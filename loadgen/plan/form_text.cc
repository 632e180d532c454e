#include "loadgen/plan/form_text.h"

#include <fmt/format.h>

namespace hydrapool::loadgen {
namespace {

constexpr std::string_view kUnreserved = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

}  // namespace

std::string PercentEncoded(std::string_view text, std::string_view but) {
  std::string encoded;
  for (const char c : text) {
    if (kUnreserved.find(c) != kUnreserved.npos || but.find(c) != but.npos) {
      encoded.push_back(c);
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

std::string FormText(const FormPairs& pairs) {
  std::string text;
  for (const auto& [name, value] : pairs)
    text += fmt::format("{}{}={}", text.empty() ? "" : "&", PercentEncoded(name), PercentEncoded(value));
  return text;
}

std::string MultipartText(const FormPairs& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    text += fmt::format("--{}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n",
                        kMultipartBoundary, name, value);
  }
  return text + fmt::format("--{}--\r\n", kMultipartBoundary);
}

}  // namespace hydrapool::loadgen
