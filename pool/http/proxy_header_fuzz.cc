#include "pool/http/proxy_header.h"

#include <cstdint>
#include <cstdlib>

/// Whatever is decided of some bytes is decided of those and more, and a header lies within them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hydrapool::http;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = ReadProxyHeader(bytes);
  if (const auto* header = std::get_if<ProxyHeader>(&whole); header != nullptr && header->size > size)
    std::abort();
  for (std::size_t part = 0; part < size; ++part) {
    const auto said = ReadProxyHeader(bytes.substr(0, part));
    if (std::holds_alternative<NeedMore>(said)) continue;
    if (said.index() != whole.index()) std::abort();
    const auto* header = std::get_if<ProxyHeader>(&said);
    if (header != nullptr && header->size != std::get<ProxyHeader>(whole).size) std::abort();
  }
  return 0;
}
