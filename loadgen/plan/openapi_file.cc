#include "loadgen/plan/openapi_file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "loadgen/plan/form_text.h"
#include "loadgen/plan/openapi_example.h"

namespace hydrapool::loadgen {
namespace {

using Json = OpenApiExamples::Json;

constexpr int kDeepest = 32;           // of YAML
constexpr int kMostNodes = 1'000'000;  // of YAML, with what its aliases repeat
constexpr std::array<std::string_view, 7> kMethods = {"get",     "put",  "post", "delete",
                                                      "options", "head", "patch"};
/// What the description says of these headers has other places in it.
constexpr std::array<std::string_view, 3> kToldElsewhere = {"accept", "content-type", "authorization"};

Json ScalarOf(const YAML::Node& node) {
  const auto& text = node.Scalar();
  if (node.Tag() == "!") return text;  // quoted
  if (text == "true" || text == "false") return text == "true";
  if (text == "null" || text == "~" || text.empty()) return nullptr;
  const auto* end = text.data() + text.size();
  std::int64_t whole = 0;
  const auto [whole_stop, not_whole] = std::from_chars(text.data(), end, whole);
  if (not_whole == std::errc() && whole_stop == end) return whole;
  double number = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end && std::isfinite(number) ? Json(number) : Json(text);
}

Json JsonOf(const YAML::Node& node, int& left, int depth = 0) {
  if (depth > kDeepest) throw std::runtime_error("nested too deeply");
  if (--left < 0) throw std::runtime_error("too large");
  if (node.IsScalar()) return ScalarOf(node);
  if (node.IsSequence()) {
    Json list = Json::array();
    for (const auto& each : node) list.push_back(JsonOf(each, left, depth + 1));
    return list;
  }
  Json object = node.IsMap() ? Json::object() : Json();
  for (const auto& pair : node) object[pair.first.as<std::string>()] = JsonOf(pair.second, left, depth + 1);
  return object;
}

std::string Changed(std::string text, int (*change)(int)) {
  std::ranges::transform(text, text.begin(), [&](unsigned char c) { return static_cast<char>(change(c)); });
  return text;
}

/// One description on its way to requests.
class Description {
 public:
  explicit Description(const Json& root) : root_(root), examples_(root) {}

  OpenApiRequests Requests() {
    for (const auto& [path, item_or_ref] : root_.at("paths").items()) {
      const auto& item = examples_.Follow(item_or_ref);
      for (const auto& [method, operation] : item.items()) {
        if (std::ranges::find(kMethods, method) == kMethods.end()) continue;
        const auto& at = operation.contains("servers") ? operation : item.contains("servers") ? item : root_;
        AddRequest(method, path, ServerOf(at), operation, item.value("parameters", Json::array()));
      }
    }
    return std::move(requests_);
  }

 private:
  static std::string ServerOf(const Json& at) {
    const auto servers = at.value("servers", Json::array());
    if (servers.empty()) return {};
    auto url = servers[0].value("url", "");
    const auto variables = servers[0].value("variables", Json::object());
    for (const auto& [name, variable] : variables.items())
      Fill(url, name, TextOf(variable.value("default", Json(""))));
    if (url.ends_with('/')) url.pop_back();
    return url;
  }

  static void Fill(std::string& text, std::string_view name, const std::string& value) {
    const auto place = fmt::format("{{{}}}", name);
    for (auto at = text.find(place); at != text.npos; at = text.find(place, at + value.size()))
      text.replace(at, place.size(), value);
  }

  /// An operation's own stand for those of the same name that all of its path share.
  [[nodiscard]] std::vector<const Json*> Parameters(const Json& own, const Json& shared) const {
    std::vector<const Json*> all;
    for (const auto* list : {&shared, &own}) {
      for (const auto& reference : *list) {
        const auto& parameter = examples_.Follow(reference);
        const auto same = [&](const Json* other) {
          return other->at("name") == parameter.at("name") &&
                 other->value("in", "") == parameter.value("in", "");
        };
        std::erase_if(all, same);
        all.push_back(&parameter);
      }
    }
    return all;
  }

  void AddRequest(const std::string& method, const std::string& path, const std::string& server,
                  const Json& operation, const Json& shared) {
    Target target{.method = Changed(method, &::toupper)};
    name_ = fmt::format("{} {}", target.method, path);
    std::string url = path;
    FormPairs query;
    FormPairs cookies;
    const auto own = operation.value("parameters", Json::array());
    for (const auto* each : Parameters(own, shared)) {
      const auto& parameter = *each;
      const auto name = parameter.at("name").get<std::string>();
      const auto in = parameter.value("in", "");
      if (in == "path") Fill(url, name, PercentEncoded(Joined(examples_.Of(parameter)), ","));
      if (in == "path" || !parameter.value("required", false)) continue;
      if (in == "query") AddPairs(name, parameter, query);
      if (in == "cookie") cookies.emplace_back(name, Joined(examples_.Of(parameter)));
      if (in == "header" &&
          std::ranges::find(kToldElsewhere, Changed(name, &::tolower)) == kToldElsewhere.end())
        target.headers.push_back(name + ": " + Joined(examples_.Of(parameter)));
    }
    if (url.find('{') != url.npos) Note("what stands in braces there is nowhere described");
    if (!query.empty()) url += (url.find('?') == url.npos ? "?" : "&") + FormText(query);
    target.url = server + url;
    std::string cookie;
    for (const auto& [name, value] : cookies) cookie += (cookie.empty() ? "" : "; ") + name + "=" + value;
    if (!cookie.empty()) target.headers.push_back("Cookie: " + cookie);
    if (operation.contains("requestBody")) AddBody(examples_.Follow(operation.at("requestBody")), target);
    requests_.targets.push_back(std::move(target));
  }

  static std::string TextOf(const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
  }

  /// "1,2" of a list, "a,1,b,2" of a map.
  static std::string Joined(const Json& value) {
    if (!value.is_structured()) return TextOf(value);
    std::string text;
    for (const auto& [key, part] : value.items())
      text += (text.empty() ? "" : ",") + (value.is_object() ? key + "," : "") + TextOf(part);
    return text;
  }

  /// As OpenAPI's styles "form" and "deepObject" write a parameter of the query.
  void AddPairs(const std::string& name, const Json& parameter, FormPairs& query) const {
    const auto value = examples_.Of(parameter);
    const bool deep = parameter.value("style", "form") == "deepObject";
    if (!value.is_structured() || (!deep && !parameter.value("explode", true))) {
      query.emplace_back(name, Joined(value));
      return;
    }
    for (const auto& [key, part] : value.items()) {
      const auto own = deep ? fmt::format("{}[{}]", name, key) : value.is_object() ? key : name;
      query.emplace_back(own, TextOf(part));
    }
  }

  void AddBody(const Json& body, Target& target) {
    const auto content = body.value("content", Json::object());
    if (content.empty()) return;
    auto chosen = content.begin();
    for (auto each = content.begin(); each != content.end(); ++each) {
      if (IsJson(each.key()) && !IsJson(chosen.key())) chosen = each;
    }
    auto type = chosen.key();
    const auto example = examples_.Of(chosen.value());
    if (IsJson(type) && !(example.is_string() && Json::accept(example.get<std::string>()))) {
      target.body = example.dump();
    } else if (example.is_string()) {
      target.body = example.get<std::string>();
    } else if (example.is_object() && type.starts_with("application/x-www-form-urlencoded")) {
      target.body = FormText(FieldsOf(example));
    } else if (example.is_object() && type.starts_with("multipart/form-data")) {
      target.body = MultipartText(FieldsOf(example));
      type = fmt::format("multipart/form-data; boundary={}", kMultipartBoundary);
    } else {
      Note(fmt::format("a body of {} is not made up: it has none", type));
      target.body = "";
    }
    target.headers.push_back("Content-Type: " + type);
  }

  static bool IsJson(std::string_view type) {
    const auto essence = type.substr(0, type.find(';'));
    return essence == "application/json" || essence.ends_with("+json") || essence == "*/*";
  }

  static FormPairs FieldsOf(const Json& object) {
    FormPairs fields;
    for (const auto& [name, value] : object.items()) {
      if (!value.is_array()) fields.emplace_back(name, TextOf(value));
      for (const auto& part : value.is_array() ? value : Json::array())
        fields.emplace_back(name, TextOf(part));
    }
    return fields;
  }

  void Note(std::string_view what) { requests_.notes.push_back(fmt::format("{}: {}", name_, what)); }

  const Json& root_;
  OpenApiExamples examples_;
  std::string name_;  // of the operation at hand
  OpenApiRequests requests_;
};

}  // namespace

sys::Result<OpenApiRequests> ParseOpenApi(const std::string& text) {
  try {
    int left = kMostNodes;
    const auto first = text.find_first_not_of(" \t\r\n");
    const auto root =
        first != text.npos && text[first] == '{' ? Json::parse(text) : JsonOf(YAML::Load(text), left);
    if (root.is_object() && root.contains("swagger"))
      return sys::Failure("not an OpenAPI 3 description but one of Swagger 2 (converters make one of it)");
    if (!root.is_object() || !root.contains("paths") || !root.contains("openapi"))
      return sys::Failure("not an OpenAPI 3 description (it has openapi and paths)");
    return Description(root).Requests();
  } catch (const std::exception& error) {
    return sys::Failure(fmt::format("not an OpenAPI 3 description: {}", error.what()));
  }
}

}  // namespace hydrapool::loadgen
