#include "pool/cgi/environment.h"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "pool/http/text.h"

namespace hydrapool::cgi {
namespace {

/// The variables of a program to be: the texts are another's, but for those that are kept here.
class Variables {
 public:
  Variables() { all_.reserve(48); }
  /// Of several values of a name the last one counts.
  void Set(std::string_view name, std::string_view value) { all_.push_back({name, value, {}}); }
  void SetOwn(std::string_view name, std::string value) { Set(name, kept_.emplace_back(std::move(value))); }
  /// Goes on with the value before, if there is one.
  void Join(std::string name, std::string_view value) {
    const std::string_view kept = kept_.emplace_back(std::move(name));
    all_.push_back({kept, value, kept == "HTTP_COOKIE" ? "; " : ", "});
  }

  /// Calls back with each name and its value, sorted by name.
  template <typename Take>
  void ForEach(Take take) {
    std::ranges::stable_sort(all_, {}, &Variable::name);
    for (auto at = all_.begin(); at != all_.end();) {
      std::string_view value = at->value;
      std::string joined;
      auto next = at + 1;
      for (; next != all_.end() && next->name == at->name; ++next) {
        if (joined.empty()) joined = value;
        if (next->joins.empty()) joined.clear();
        joined.append(next->joins).append(next->value);
        value = joined;
      }
      take(at->name, value);
      at = next;
    }
  }

 private:
  struct Variable {
    std::string_view name;
    std::string_view value;
    std::string_view joins;  // to the value before; empty: it takes its place
  };
  std::vector<Variable> all_;
  std::deque<std::string> kept_;
};

constexpr std::size_t kUsualBytes = 2048;
constexpr std::array<std::string_view, 11> kNeverPassed{
    "connection", "content-length",   "content-type", "expect",  "keep-alive",        "proxy",
    "te",         "proxy-connection", "trailer",      "upgrade", "transfer-encoding",
};
constexpr std::array<std::string_view, 2> kCredentials{"authorization", "proxy-authorization"};

bool IsOneOf(std::string_view name, std::span<const std::string_view> set) {
  return std::ranges::any_of(set, [&](std::string_view one) { return http::EqualsIgnoringCase(name, one); });
}

bool IsLetterOrDigit(char c) {
  const char lower = http::ToLower(c);
  return (lower >= 'a' && lower <= 'z') || http::Is(http::kDigitChar, c);
}

bool IsPassed(std::string_view name, bool pass_authorization) {
  if (!std::ranges::all_of(name, [](char c) { return c == '-' || IsLetterOrDigit(c); })) return false;
  return !IsOneOf(name, kNeverPassed) && (pass_authorization || !IsOneOf(name, kCredentials));
}

std::string VariableName(std::string_view field_name) {
  std::string name = "HTTP_";
  for (const char c : field_name) {
    const char lower = http::ToLower(c);
    name += c == '-' ? '_' : lower >= 'a' && lower <= 'z' ? static_cast<char>(lower - 'a' + 'A') : c;
  }
  return name;
}

void SetFields(Variables& variables, const http::Request& request, bool pass_authorization) {
  for (const auto& [name, value] : request.fields) {
    if (!IsPassed(name, pass_authorization)) continue;
    variables.Join(VariableName(name), value);
  }
}

std::string_view WithoutPort(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, std::min(host.find(']'), host.size() - 1) + 1);
  return host.substr(0, host.find(':'));
}

std::string ServerName(const http::Request& request, const ServerFacts& server, const ClientFacts& client) {
  if (!server.name.empty()) return server.name;
  if (const auto host = WithoutPort(request.host); !host.empty()) return std::string(host);
  const bool is_ipv6 = client.server_address.find(':') != std::string::npos;
  return is_ipv6 ? '[' + client.server_address + ']' : client.server_address;
}

void SetBody(Variables& variables, const http::Request& request, const ClientFacts& client) {
  if (client.body_length) {
    variables.SetOwn("CONTENT_LENGTH", std::to_string(*client.body_length));
  } else if (request.body == http::BodyKind::kLength) {
    variables.SetOwn("CONTENT_LENGTH", std::to_string(request.content_length));
  }
  if (const auto type = request.Find("Content-Type")) variables.Set("CONTENT_TYPE", *type);
}

void SetScript(Variables& variables, const Script& script, const ServerFacts& server) {
  variables.Set("SCRIPT_NAME", script.name);
  variables.Set("SCRIPT_FILENAME", script.absolute_path);
  variables.Set("REDIRECT_STATUS", "200");  // php-cgi wants it
  if (!script.path_info.empty()) variables.Set("PATH_INFO", script.path_info);
  if (server.document_root.empty()) return;
  variables.Set("DOCUMENT_ROOT", server.document_root);
  if (!script.path_info.empty()) variables.SetOwn("PATH_TRANSLATED", server.document_root + script.path_info);
}

void SetServer(Variables& variables, const ServerFacts& server, const ClientFacts& client) {
  variables.Set("GATEWAY_INTERFACE", "CGI/1.1");
  variables.Set("PATH", server.path);
  const std::string& scheme = client.scheme.empty() ? server.scheme : client.scheme;
  variables.Set("REQUEST_SCHEME", scheme);
  if (scheme == "https") variables.Set("HTTPS", "on");
  variables.Set("SERVER_SOFTWARE", server.software);
  variables.Set("SERVER_ADDR", client.server_address);
  variables.SetOwn("SERVER_PORT", std::to_string(client.server_port));
  variables.Set("REMOTE_ADDR", client.remote_address);
  variables.Set("REMOTE_HOST", client.remote_address);
  if (client.user) {
    variables.Set("AUTH_TYPE", "Basic");
    variables.Set("REMOTE_USER", *client.user);
  }
  if (!client.request_id.empty()) {
    variables.Set("REQUEST_ID", client.request_id);
    variables.Set("HTTP_X_REQUEST_ID", client.request_id);
  }
  if (client.remote_port != 0) variables.SetOwn("REMOTE_PORT", std::to_string(client.remote_port));
}

void SetRequest(Variables& variables, const http::Request& request) {
  variables.Set("REQUEST_METHOD", request.method);
  variables.Set("REQUEST_URI", request.target);
  variables.Set("QUERY_STRING", request.query);
  variables.Set("SERVER_PROTOCOL", request.minor_version == 0 ? "HTTP/1.0" : "HTTP/1.1");
}

void SetExtra(Variables& variables, const std::vector<std::string>& extra) {
  for (const std::string& assignment : extra) {
    const std::string_view text = assignment;
    const auto equals = text.find('=');
    if (equals == 0 || equals == text.npos) continue;
    variables.Set(text.substr(0, equals), text.substr(equals + 1));
  }
}

}  // namespace

std::optional<Environment> Environment::Build(const http::Request& request, const Script& script,
                                              const ServerFacts& server, const ClientFacts& client) {
  Variables variables;
  SetFields(variables, request, server.pass_authorization);
  // Of an absolute target, if it was one: the Host field counts for nothing then (RFC 9112, section 3.2.2).
  if (!request.host.empty()) variables.Set("HTTP_HOST", request.host);
  SetServer(variables, server, client);
  SetRequest(variables, request);
  SetScript(variables, script, server);
  SetBody(variables, request, client);
  variables.SetOwn("SERVER_NAME", ServerName(request, server, client));
  SetExtra(variables, server.extra);

  Environment environment;
  std::vector<std::size_t> offsets;
  bool fits = true;
  environment.block_.reserve(kUsualBytes);
  variables.ForEach([&](std::string_view name, std::string_view value) {
    std::vector<char>& block = environment.block_;
    if (value.find('\0') != value.npos) return;
    fits = fits && block.size() + name.size() + value.size() + 2 <= kMaxBytes;
    if (!fits) return;
    offsets.push_back(block.size());
    block.insert(block.end(), name.begin(), name.end());
    block.push_back('=');
    block.insert(block.end(), value.begin(), value.end());
    block.push_back('\0');
  });
  if (!fits) return std::nullopt;
  for (const std::size_t offset : offsets)
    environment.pointers_.push_back(environment.block_.data() + offset);
  environment.pointers_.push_back(nullptr);
  return environment;
}

std::optional<std::string_view> Environment::Find(std::string_view name) const {
  for (const char* variable : pointers_) {
    if (variable == nullptr) break;
    const std::string_view assignment(variable);
    if (assignment.starts_with(name) && assignment.substr(name.size()).starts_with('=')) {
      return assignment.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

}  // namespace hydrapool::cgi
