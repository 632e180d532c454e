#include "loadgen/report/connections_text.h"

#include <fmt/format.h>

#include <iterator>

namespace hydrapool::loadgen {

std::string ConnectionsText(const ConnectionCounts& own) {
  const auto made = own.made();
  auto text = fmt::format("{} connection{} made", made, made == 1 ? "" : "s");
  const auto out = std::back_inserter(text);
  if (own.opened > made) fmt::format_to(out, ", {} more tried", own.opened - made);
  if (own.http1 > 0) fmt::format_to(out, ", {} HTTP/1.1", own.http1);
  if (own.http2 > 0) fmt::format_to(out, ", {} HTTP/2", own.http2);
  if (own.tls > 0) fmt::format_to(out, ", {} TLS handshakes, {} of them resumed", own.tls, own.resumed);
  return text;
}

}  // namespace hydrapool::loadgen
