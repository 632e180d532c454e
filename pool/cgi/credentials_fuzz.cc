#include <cstdint>
#include <cstdlib>
#include <string>

#include "pool/cgi/guards.h"
#include "pool/cgi/passwords.h"

/// Whatever a field or a line holds: a user has a name without colon, and no control character reaches a
/// program by Basic credentials.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hydrapool::cgi;
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const std::string& field : {text, "Basic " + text}) {
    const auto credentials = Credentials::Parse(field);
    if (!credentials) continue;
    if (credentials->user.empty() || credentials->user.find(':') != std::string::npos) std::abort();
    for (const char c : credentials->user + credentials->password) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
    }
  }
  if (const auto line = UserLine::Parse(text); line && !line->user.empty()) {
    if (line->user.find(':') != std::string::npos || line->hash.find(':') != std::string::npos) std::abort();
    if (!text.starts_with(line->user + ':' + line->hash)) std::abort();
  }
  return 0;
}
