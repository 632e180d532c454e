#include "pool/cgi/environment.h"

#include <algorithm>
#include <array>
#include <map>

#include "pool/http/text.h"

namespace hydrapool::cgi {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

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
    const auto [variable, is_new] = variables.try_emplace(VariableName(name), value);
    if (is_new) continue;
    variable->second.append(variable->first == "HTTP_COOKIE" ? "; " : ", ").append(value);
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
    variables["CONTENT_LENGTH"] = std::to_string(*client.body_length);
  } else if (request.body == http::BodyKind::kLength) {
    variables["CONTENT_LENGTH"] = std::to_string(request.content_length);
  }
  if (const auto type = request.Find("Content-Type")) variables["CONTENT_TYPE"] = *type;
}

void SetScript(Variables& variables, const Script& script, const ServerFacts& server) {
  variables["SCRIPT_NAME"] = script.name;
  variables["SCRIPT_FILENAME"] = script.absolute_path;
  variables["REDIRECT_STATUS"] = "200";  // php-cgi wants it
  if (!script.path_info.empty()) variables["PATH_INFO"] = script.path_info;
  if (server.document_root.empty()) return;
  variables["DOCUMENT_ROOT"] = server.document_root;
  if (!script.path_info.empty()) variables["PATH_TRANSLATED"] = server.document_root + script.path_info;
}

void SetServer(Variables& variables, const ServerFacts& server, const ClientFacts& client) {
  variables["GATEWAY_INTERFACE"] = "CGI/1.1";
  variables["PATH"] = server.path;
  const std::string& scheme = client.scheme.empty() ? server.scheme : client.scheme;
  variables["REQUEST_SCHEME"] = scheme;
  if (scheme == "https") variables["HTTPS"] = "on";
  variables["SERVER_SOFTWARE"] = server.software;
  variables["SERVER_ADDR"] = client.server_address;
  variables["SERVER_PORT"] = std::to_string(client.server_port);
  variables["REMOTE_ADDR"] = client.remote_address;
  variables["REMOTE_HOST"] = client.remote_address;
  if (client.user) {
    variables["AUTH_TYPE"] = "Basic";
    variables["REMOTE_USER"] = *client.user;
  }
  if (!client.request_id.empty())
    variables["REQUEST_ID"] = variables["HTTP_X_REQUEST_ID"] = client.request_id;
  if (client.remote_port != 0) variables["REMOTE_PORT"] = std::to_string(client.remote_port);
}

void SetRequest(Variables& variables, const http::Request& request) {
  variables["REQUEST_METHOD"] = request.method;
  variables["REQUEST_URI"] = request.target;
  variables["QUERY_STRING"] = request.query;
  variables["SERVER_PROTOCOL"] = request.minor_version == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

void SetExtra(Variables& variables, const std::vector<std::string>& extra) {
  for (const std::string& assignment : extra) {
    const auto equals = assignment.find('=');
    if (equals == 0 || equals == std::string::npos) continue;
    variables.insert_or_assign(assignment.substr(0, equals), assignment.substr(equals + 1));
  }
}

}  // namespace

std::optional<Environment> Environment::Build(const http::Request& request, const Script& script,
                                              const ServerFacts& server, const ClientFacts& client) {
  Variables variables;
  SetFields(variables, request, server.pass_authorization);
  // Of an absolute target, if it was one: the Host field counts for nothing then (RFC 9112, section 3.2.2).
  if (!request.host.empty()) variables["HTTP_HOST"] = request.host;
  SetServer(variables, server, client);
  SetRequest(variables, request);
  SetScript(variables, script, server);
  SetBody(variables, request, client);
  variables["SERVER_NAME"] = ServerName(request, server, client);
  SetExtra(variables, server.extra);

  Environment environment;
  std::vector<std::size_t> offsets;
  for (const auto& [name, value] : variables) {
    if (value.find('\0') != std::string::npos) continue;
    if (environment.block_.size() + name.size() + value.size() + 2 > kMaxBytes) return std::nullopt;
    offsets.push_back(environment.block_.size());
    for (const std::string_view part :
         {std::string_view(name), std::string_view("="), std::string_view(value)}) {
      environment.block_.insert(environment.block_.end(), part.begin(), part.end());
    }
    environment.block_.push_back('\0');
  }
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
