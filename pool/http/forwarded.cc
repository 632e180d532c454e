#include "pool/http/forwarded.h"

#include <algorithm>
#include <utility>

#include "pool/http/request_rules.h"
#include "pool/http/text.h"

namespace hydrapool::http {
namespace {

/// Reads an element's pairs from left to right. Each call says whether the text goes on as it must.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool AtEnd() const { return rest_.empty(); }
  [[nodiscard]] bool TakeIf(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void SkipBlanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }

  std::string_view Token() {
    std::size_t size = 0;
    while (size < rest_.size() && Is(kTokenChar, rest_[size])) ++size;
    const auto token = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return token;
  }

  std::optional<std::string> Value() {
    if (!TakeIf('"')) {
      const auto token = Token();
      return token.empty() ? std::nullopt : std::optional<std::string>(token);
    }
    std::string value;
    while (!rest_.empty()) {
      const bool escaped = TakeIf('\\');
      if (!escaped && TakeIf('"')) return value;
      if (rest_.empty() || !Is(kValueChar, rest_.front())) return std::nullopt;
      value += rest_.front();
      rest_.remove_prefix(1);
    }
    return std::nullopt;
  }

 private:
  std::string_view rest_;
};

bool SetOnce(std::string& place, std::string& value) {
  if (!place.empty() || value.empty()) return false;
  place = std::move(value);
  return true;
}

/// A parameter that is given twice is malformed.
bool Set(ForwardedElement& element, std::string_view name, std::string value, bool& by) {
  if (EqualsIgnoringCase(name, "for")) return SetOnce(element.client, value);
  if (EqualsIgnoringCase(name, "proto")) return SetOnce(element.proto, value);
  if (EqualsIgnoringCase(name, "host")) return SetOnce(element.host, value);
  if (EqualsIgnoringCase(name, "by")) return !std::exchange(by, true);
  return true;
}

enum class Read { kNothing, kSomething, kMalformed };

Read ReadElement(Reader& reader, ForwardedElement& element) {
  bool by = false;
  Read read = Read::kNothing;
  for (;;) {
    if (const auto name = reader.Token(); !name.empty()) {
      if (!reader.TakeIf('=')) return Read::kMalformed;
      auto value = reader.Value();
      if (!value || !Set(element, name, std::move(*value), by)) return Read::kMalformed;
      read = Read::kSomething;
    }
    reader.SkipBlanks();
    if (!reader.TakeIf(';')) return read;
    reader.SkipBlanks();
  }
}

std::string Joined(const Request& request, std::string_view name) {
  std::string all;
  for (const Field& field : request.fields) {
    if (!EqualsIgnoringCase(field.name, name)) continue;
    if (!all.empty()) all += ", ";
    all += field.value;
  }
  return all;
}

std::vector<std::string_view> Members(std::string_view list) {
  std::vector<std::string_view> members;
  ForEachMember(list, [&members](std::string_view member) { members.push_back(member); });
  return members;
}

/// The member that belongs to the `nth` proxy from the end, or the first where there are fewer.
std::string_view FromTheEnd(const std::vector<std::string_view>& members, std::size_t nth) {
  if (members.empty()) return {};
  return members[members.size() - std::min(nth, members.size())];
}

std::string SchemeOf(std::string_view text) {
  for (const std::string_view scheme : {"http", "https"})
    if (EqualsIgnoringCase(text, scheme)) return std::string(scheme);
  return {};
}

std::string HostOf(std::string_view text) { return IsHost(text) ? std::string(text) : std::string(); }

Forwarding ReadXForwarded(const Request& request, const TrustedPeers& trusted) {
  Forwarding forwarding;
  std::size_t proxies = 0;
  const std::string list = Joined(request, "X-Forwarded-For");
  const auto clients = Members(list);
  for (auto client = clients.rbegin(); client != clients.rend(); ++client) {
    const auto endpoint = Endpoint::Parse(*client);
    if (!endpoint) break;
    ++proxies;
    forwarding.client = endpoint;
    if (!trusted.Trusts(endpoint->address)) break;
  }
  const auto told = [&](std::string_view name, auto&& read) {
    const std::string value = Joined(request, name);
    return read(FromTheEnd(Members(value), std::max<std::size_t>(proxies, 1)));
  };
  forwarding.scheme = told("X-Forwarded-Proto", SchemeOf);
  forwarding.host = told("X-Forwarded-Host", HostOf);
  forwarding.port = told("X-Forwarded-Port", ParsePort).value_or(0);
  return forwarding;
}

std::variant<Forwarding, Refusal> ReadForwarded(const std::string& value, const TrustedPeers& trusted) {
  const auto elements = ParseForwarded(value);
  if (!elements) return Refusal{400, "malformed Forwarded"};
  Forwarding forwarding;
  for (auto element = elements->rbegin(); element != elements->rend(); ++element) {
    if (auto scheme = SchemeOf(element->proto); !scheme.empty()) forwarding.scheme = std::move(scheme);
    if (auto host = HostOf(element->host); !host.empty()) forwarding.host = std::move(host);
    const auto endpoint = Endpoint::Parse(element->client);
    if (!endpoint) break;
    forwarding.client = endpoint;
    if (!trusted.Trusts(endpoint->address)) break;
  }
  return forwarding;
}

}  // namespace

std::optional<std::vector<ForwardedElement>> ParseForwarded(std::string_view value) {
  std::vector<ForwardedElement> elements;
  Reader reader(value);
  for (;;) {
    reader.SkipBlanks();
    ForwardedElement element;
    const Read read = ReadElement(reader, element);
    if (read == Read::kMalformed) return std::nullopt;
    if (read == Read::kSomething) elements.push_back(std::move(element));
    reader.SkipBlanks();
    if (reader.AtEnd()) return elements;
    if (!reader.TakeIf(',')) return std::nullopt;
  }
}

std::variant<Forwarding, Refusal> ReadForwarding(const Request& request, const TrustedPeers& trusted,
                                                 ProxyFields which) {
  const bool has_list = request.Find("X-Forwarded-For").has_value();
  if (which == ProxyFields::kForwarded || (which == ProxyFields::kEither && !has_list)) {
    if (const std::string value = Joined(request, "Forwarded"); !value.empty())
      return ReadForwarded(value, trusted);
    if (which == ProxyFields::kForwarded) return Forwarding{};
  }
  return ReadXForwarded(request, trusted);
}

}  // namespace hydrapool::http
