#include "pool/http/forwarded.h"

#include <array>
#include <cstdint>
#include <cstdlib>

/// Whatever a trusted proxy's fields hold: a client is an address, a scheme one of two, and what a trusted
/// proxy adds at the end is never passed over for what stands before it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hydrapool::http;
  const std::string text(reinterpret_cast<const char*>(data), size);
  TrustedPeers trusted;
  if (!trusted.Add("10.0.0.0/8")) std::abort();
  for (const std::string_view name : {"Forwarded", "X-Forwarded-For"}) {
    const bool standard = name == "Forwarded";
    const std::string added = text + (standard ? ", for=192.0.2.1" : ", 192.0.2.1");
    const std::array<Field, 3> fields{
        {{name, added}, {"X-Forwarded-Proto", text}, {"X-Forwarded-Host", text}}};
    const auto said = ReadForwarding({.fields = fields}, trusted, ProxyFields::kEither);
    if (const auto* refusal = std::get_if<Refusal>(&said)) {
      if (!standard || refusal->status != 400) std::abort();
      continue;
    }
    const auto& forwarding = std::get<Forwarding>(said);
    if (!forwarding.client || forwarding.client->address.ToString() != "192.0.2.1") std::abort();
    if (!forwarding.scheme.empty() && forwarding.scheme != "http" && forwarding.scheme != "https")
      std::abort();
  }
  return 0;
}
