#include "pool/simulation/request.h"

#include <fmt/format.h>

#include <charconv>

namespace hydrapool::simulation {
namespace {

void Fill(std::string& text, std::uint32_t id, std::uint32_t size) {
  const std::size_t begin = text.size();
  text.resize(begin + size);
  std::uint32_t state = id * 2654435761u + 1;
  for (std::size_t i = begin; i < text.size(); ++i) {
    state = state * 1664525u + 1013904223u;
    text[i] = static_cast<char>('a' + (state >> 24) % 26);
  }
}

}  // namespace

std::string Request::Bytes() const {
  std::string text = fmt::format("{} {} {} {}\n", static_cast<char>(kind), id, size, body);
  Fill(text, ~id, body);
  return text;
}

std::string Request::Answer() const {
  std::string text = fmt::format("[{}:", id);
  Fill(text, id, size);
  return text + "]\n";
}

std::string Request::Interim() const {
  return kind == Kind::kInterim ? fmt::format("(go on {})\n", id) : std::string();
}

std::optional<Parsed> ParseRequest(std::string_view bytes) {
  const std::size_t end = bytes.find('\n');
  if (end == bytes.npos) return std::nullopt;
  Parsed parsed{.request = {.kind = static_cast<Request::Kind>(bytes[0])}, .line = end + 1};
  const char* at = bytes.data() + 2;
  for (std::uint32_t* number : {&parsed.request.id, &parsed.request.size, &parsed.request.body})
    at = std::from_chars(at, bytes.data() + end, *number).ptr + 1;
  return parsed;
}

}  // namespace hydrapool::simulation
