#include "loadgen/plan/openapi_example.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace hydrapool::loadgen {
namespace {

using Json = OpenApiExamples::Json;

constexpr std::size_t kDeepest = 32;
constexpr int kMostOfExample = 10'000;  // schemas

/// Of texts.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kFormats = {
    {{"date", "2026-01-31"},
     {"date-time", "2026-01-31T12:00:00Z"},
     {"uuid", "00000000-0000-4000-8000-000000000000"},
     {"email", "user@example.com"},
     {"uri", "http://example.com/"},
     {"ipv4", "192.0.2.1"}}};

Json TextOf(const Json& schema) {
  const auto format = schema.contains("format") && schema.at("format").is_string()
                          ? schema.at("format").get<std::string>()
                          : std::string();
  const auto* known =
      std::ranges::find(kFormats, std::string_view(format), [](const auto& pair) { return pair.first; });
  return known == kFormats.end() ? Json("text") : Json(known->second);
}

/// Since OpenAPI 3.1 there may be several.
std::string TypeOf(const Json& schema) {
  if (schema.contains("type")) {
    const auto& type = schema.at("type");
    if (type.is_string()) return type.get<std::string>();
    for (const auto& each : type) {
      if (each.is_string() && each != "null") return each.get<std::string>();
    }
  }
  return schema.contains("properties") ? "object" : schema.contains("items") ? "array" : "string";
}

}  // namespace

const Json& OpenApiExamples::Follow(const Json& thing) const {
  const auto* found = &thing;
  for (std::size_t i = 0; i < kDeepest && found->is_object() && found->contains("$ref"); ++i) {
    const auto ref = found->at("$ref").get<std::string>();
    if (!ref.starts_with('#')) throw std::runtime_error("$ref leads out of the document: " + ref);
    found = &root_.at(Json::json_pointer(ref.substr(1)));
  }
  return *found;
}

Json OpenApiExamples::Of(const Json& described) const {
  if (described.contains("example")) return described.at("example");
  if (described.contains("examples")) {
    for (const auto& named : described.at("examples")) {
      const auto& example = Follow(named);
      if (example.is_object() && example.contains("value")) return example.at("value");
    }
  }
  Way way{.left = kMostOfExample};
  if (described.contains("schema")) return OfSchema(described.at("schema"), way);
  return described.contains("content") && !described.at("content").empty()
             ? Json(Of(described.at("content").front()).dump())
             : Json("text");
}

Json OpenApiExamples::OfSchema(const Json& schema_or_ref, Way& way) const {
  const auto& schema = Follow(schema_or_ref);
  if (!schema.is_object() || way.to.size() > kDeepest || --way.left < 0 ||
      std::ranges::find(way.to, &schema) != way.to.end())
    return nullptr;
  way.to.push_back(&schema);
  auto example = Given(schema, way);
  way.to.pop_back();
  return example;
}

Json OpenApiExamples::Given(const Json& schema, Way& way) const {
  for (const auto* key : {"example", "default", "const"}) {
    if (schema.contains(key)) return schema.at(key);
  }
  for (const auto* key : {"examples", "enum"}) {
    if (schema.contains(key) && schema.at(key).is_array() && !schema.at(key).empty())
      return schema.at(key)[0];
  }
  if (schema.contains("allOf") && !schema.at("allOf").empty()) {
    auto all = OfParts(schema.at("allOf"), way);
    if (all.is_object() && schema.contains("properties")) all.update(OfType(schema, way));
    return all;
  }
  for (const auto* key : {"oneOf", "anyOf"}) {
    if (schema.contains(key) && !schema.at(key).empty()) return OfSchema(schema.at(key)[0], way);
  }
  return OfType(schema, way);
}

Json OpenApiExamples::OfParts(const Json& parts, Way& way) const {
  Json all;
  for (const auto& part : parts) {
    auto example = OfSchema(part, way);
    if (all.is_object() && example.is_object()) {
      all.update(example);
    } else if (all.is_null() || example.is_object()) {
      all = std::move(example);
    }
  }
  return all;
}

Json OpenApiExamples::OfType(const Json& schema, Way& way) const {
  const auto type = TypeOf(schema);
  if (type == "integer" || type == "number") return schema.value("minimum", Json(1));
  if (type == "boolean") return true;
  if (type == "array")
    return Json::array({schema.contains("items") ? OfSchema(schema.at("items"), way) : Json("text")});
  if (type != "object") return TextOf(schema);
  Json object = Json::object();
  if (!schema.contains("properties")) return object;
  for (const auto& [name, property] : schema.at("properties").items()) {
    const auto& known = Follow(property);
    const bool answered_only =
        known.is_object() && known.contains("readOnly") && known.at("readOnly") == true;
    if (!answered_only) object[name] = OfSchema(property, way);
  }
  return object;
}

}  // namespace hydrapool::loadgen
