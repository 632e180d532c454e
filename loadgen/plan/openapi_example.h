#pragma once

#include <nlohmann/json.hpp>
#include <vector>

namespace hydrapool::loadgen {

/// Examples of what an OpenAPI 3 description describes: those that it gives, or its defaults, or what its
/// types allow. What refers to itself ends in null. Throws std::exception where the description is wrong.
///
/// `root` must outlive it.
class OpenApiExamples {
 public:
  using Json = nlohmann::ordered_json;

  explicit OpenApiExamples(const Json& root) : root_(root) {}

  /// What a $ref leads to, or the thing itself.
  [[nodiscard]] const Json& Follow(const Json& thing) const;
  /// Of a parameter or of a body of one media type.
  [[nodiscard]] Json Of(const Json& described) const;

 private:
  /// Schemas on the way to one, which are not followed again, and how many more there may be.
  struct Way {
    std::vector<const Json*> to = {};
    int left = 0;
  };

  [[nodiscard]] Json OfSchema(const Json& schema_or_ref, Way& way) const;
  [[nodiscard]] Json Given(const Json& schema, Way& way) const;
  [[nodiscard]] Json OfParts(const Json& parts, Way& way) const;
  [[nodiscard]] Json OfType(const Json& schema, Way& way) const;

  const Json& root_;
};

}  // namespace hydrapool::loadgen
