#include "loadgen/plan/openapi_file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace hydrapool::loadgen {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDeepest = 32;            // of YAML, of schemas
constexpr int kMostNodes = 1'000'000;   // of YAML, with what its aliases repeat
constexpr int kMostOfExample = 10'000;  // schemas
constexpr std::array<std::string_view, 7> kMethods = {"get",     "put",  "post", "delete",
                                                      "options", "head", "patch"};

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

/// One description on its way to requests.
class Description {
 public:
  explicit Description(const Json& root) : root_(root) {}

  std::vector<Target> Targets() const {
    const auto servers = root_.value("servers", Json::array());
    auto base = servers.empty() ? std::string() : servers[0].value("url", "");
    if (base.ends_with('/')) base.pop_back();
    std::vector<Target> targets;
    for (const auto& [path, item] : root_.at("paths").items()) {
      const auto& operations = Follow(item);
      for (const auto& [method, operation] : operations.items()) {
        if (std::ranges::find(kMethods, method) == kMethods.end()) continue;
        targets.push_back(
            TargetOf(base + path, method, operation, operations.value("parameters", Json::array())));
      }
    }
    return targets;
  }

 private:
  /// What a $ref leads to, or the thing itself.
  [[nodiscard]] const Json& Follow(const Json& thing) const {
    const auto* found = &thing;
    for (int i = 0; i < kDeepest && found->is_object() && found->contains("$ref"); ++i) {
      const auto ref = found->at("$ref").get<std::string>();
      if (!ref.starts_with('#')) throw std::runtime_error("$ref leads out of the document: " + ref);
      found = &root_.at(Json::json_pointer(ref.substr(1)));
    }
    return *found;
  }

  /// Schemas on the way to one, which are not followed again, and how many more there may be.
  struct Way {
    std::vector<const Json*> to = {};
    int left = kMostOfExample;
  };

  [[nodiscard]] Json ExampleOf(const Json& schema_or_ref) const {
    Way way;
    return ExampleOf(schema_or_ref, way);
  }

  [[nodiscard]] Json ExampleOf(const Json& schema_or_ref, Way& way) const {
    const auto& schema = Follow(schema_or_ref);
    if (!schema.is_object() || way.to.size() > kDeepest || --way.left < 0 ||
        std::ranges::find(way.to, &schema) != way.to.end())
      return nullptr;
    way.to.push_back(&schema);
    auto example = OfSchema(schema, way);
    way.to.pop_back();
    return example;
  }

  [[nodiscard]] Json OfSchema(const Json& schema, Way& way) const {
    for (const auto* key : {"example", "default", "const"}) {
      if (schema.contains(key)) return schema.at(key);
    }
    for (const auto* key : {"examples", "enum"}) {
      if (schema.contains(key) && schema.at(key).is_array() && !schema.at(key).empty())
        return schema.at(key)[0];
    }
    for (const auto* key : {"allOf", "oneOf", "anyOf"}) {
      if (!schema.contains(key) || schema.at(key).empty()) continue;
      if (std::string_view(key) != "allOf") return ExampleOf(schema.at(key)[0], way);
      Json all;
      for (const auto& part : schema.at(key)) {
        auto example = ExampleOf(part, way);
        if (all.is_object() && example.is_object()) {
          all.update(example);
        } else if (all.is_null() || example.is_object()) {
          all = std::move(example);
        }
      }
      return all;
    }
    return OfType(schema, way);
  }

  [[nodiscard]] Json OfType(const Json& schema, Way& way) const {
    const auto type = schema.contains("type") && schema.at("type").is_string()
                          ? schema.at("type").get<std::string>()
                      : schema.contains("properties") ? "object"
                                                      : "string";
    if (type == "integer" || type == "number") return schema.value("minimum", Json(1));
    if (type == "boolean") return true;
    if (type == "array") {
      return Json::array({schema.contains("items") ? ExampleOf(schema.at("items"), way) : Json("text")});
    }
    if (type != "object") return "text";
    Json object = Json::object();
    if (!schema.contains("properties")) return object;
    for (const auto& [name, property] : schema.at("properties").items())
      object[name] = ExampleOf(property, way);
    return object;
  }

  [[nodiscard]] std::string ValueOf(const Json& parameter) const {
    const auto value = parameter.contains("example") ? parameter.at("example")
                                                     : ExampleOf(parameter.value("schema", Json::object()));
    return value.is_string() ? value.get<std::string>() : value.dump();
  }

  [[nodiscard]] Target TargetOf(std::string url, std::string method, const Json& operation,
                                const Json& shared) const {
    std::ranges::transform(method, method.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    Target target{.method = std::move(method)};
    auto parameters = shared;
    for (const auto& own : operation.value("parameters", Json::array())) parameters.push_back(own);
    for (const auto& reference : parameters) {
      const auto& parameter = Follow(reference);
      const auto name = parameter.at("name").get<std::string>();
      const auto in = parameter.value("in", "");
      const auto place = "{" + name + "}";
      if (const auto at = url.find(place); in == "path" && at != url.npos) {
        url.replace(at, place.size(), ValueOf(parameter));
      } else if (in == "query" && parameter.value("required", false)) {
        url += (url.find('?') == url.npos ? "?" : "&") + name + "=" + ValueOf(parameter);
      } else if (in == "header" && parameter.value("required", false)) {
        target.headers.push_back(name + ": " + ValueOf(parameter));
      }
    }
    target.url = std::move(url);
    if (operation.contains("requestBody")) AddBody(Follow(operation.at("requestBody")), target);
    return target;
  }

  void AddBody(const Json& body, Target& target) const {
    const auto content = body.value("content", Json::object());
    if (content.empty()) return;
    const auto& type = content.contains("application/json") ? "application/json" : content.begin().key();
    const auto& media = content.at(type);
    const auto example =
        media.contains("example") ? media.at("example") : ExampleOf(media.value("schema", Json::object()));
    target.headers.push_back(fmt::format("Content-Type: {}", type));
    target.body = example.is_string() ? example.get<std::string>() : example.dump();
  }

  const Json& root_;
};

}  // namespace

sys::Result<std::vector<Target>> ParseOpenApi(const std::string& text) {
  try {
    int left = kMostNodes;
    const auto first = text.find_first_not_of(" \t\r\n");
    const auto root =
        first != text.npos && text[first] == '{' ? Json::parse(text) : JsonOf(YAML::Load(text), left);
    if (!root.is_object() || !root.contains("paths") || !root.contains("openapi"))
      return sys::Failure("not an OpenAPI 3 description (it has openapi and paths)");
    return Description(root).Targets();
  } catch (const std::exception& error) {
    return sys::Failure(fmt::format("not an OpenAPI 3 description: {}", error.what()));
  }
}

}  // namespace hydrapool::loadgen
