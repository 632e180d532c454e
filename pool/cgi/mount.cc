// How a mount is written: AT=KIND:PATH.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "pool/cgi/mounts.h"
#include "pool/cgi/percent.h"
#include "pool/http/text.h"

namespace hydrapool::cgi {
namespace {

using Kind = Mount::Kind;

constexpr std::array<std::pair<std::string_view, Kind>, 4> kKinds{{{"cgi:", Kind::kPrograms},
                                                                   {"program:", Kind::kProgram},
                                                                   {"files:", Kind::kFiles},
                                                                   {"with:", Kind::kWith}}};

}  // namespace

std::string BareHost(std::string_view host) {
  const auto colon = host.rfind(':');
  if (colon != host.npos && host.find(']', colon) == host.npos) host = host.substr(0, colon);
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string bare(host);
  std::ranges::transform(bare, bare.begin(), http::ToLower);
  return bare;
}

sys::Result<Mount> Mount::Parse(const std::string& text) {
  const auto equals = text.find('=');
  std::string at = text.substr(0, equals);
  const std::string rest = equals == text.npos ? "" : text.substr(equals + 1);
  const auto kind =
      std::ranges::find_if(kKinds, [&rest](const auto& each) { return rest.starts_with(each.first); });
  if (kind == kKinds.end())
    return sys::Failure("'" + text + "' is not AT=KIND:PATH with cgi, program, files or with");
  Mount mount{.kind = kind->second, .at = at, .path = rest.substr(kind->first.size())};
  if (!mount.path.starts_with('/')) return sys::Failure("'" + text + "': its target is no absolute path");
  if (mount.kind == Kind::kWith) {
    const bool pattern =
        at.starts_with("*.") && at.size() > 2 && at.find('/') == at.npos && at.find('*', 1) == at.npos;
    if (!pattern) return sys::Failure("'" + text + "': '" + at + "' is not *.ENDING");
    mount.at = at.substr(1);
    return mount;
  }
  if (at.starts_with("//")) {
    const auto end = std::min(at.find('/', 2), at.size());
    mount.host = BareHost(at.substr(2, end - 2));
    at.erase(0, end);
    mount.at = at;
    const bool named = !mount.host.empty() && std::ranges::all_of(mount.host, [](char c) {
      return http::Is(http::kHostChar, c) || c == '[' || c == ']' || c == ':';
    });
    if (!named) return sys::Failure("'" + text + "' is not //HOST/PATH=KIND:PATH");
  }
  const bool clean = at.starts_with('/') &&
                     (at == "/" || Folded(at) == (at.ends_with('/') ? at.substr(0, at.size() - 1) : at));
  if (!clean || HasEscape(at))
    return sys::Failure("'" + text + "': '" + at + "' is no path without '.', '..', '//' and escapes (%20)");
  if (mount.kind != Kind::kProgram && !at.ends_with('/')) mount.at += '/';
  if (mount.kind == Kind::kProgram && at.size() > 1 && at.ends_with('/')) mount.at.pop_back();
  return mount;
}

}  // namespace hydrapool::cgi
