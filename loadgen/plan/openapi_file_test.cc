#include "loadgen/plan/openapi_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(OpenApiFileTest, MakesARequestOfEachOperation) {
  const auto targets = ParseOpenApi(R"(
openapi: 3.0.3
servers: [{url: "http://h/v1/"}]
paths:
  /pets/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer, example: 7}}
    get:
      parameters:
        - {name: limit, in: query, required: true, schema: {type: integer, minimum: 5}}
        - {name: page, in: query, schema: {type: integer}}
        - {$ref: '#/components/parameters/Key'}
    put:
      requestBody:
        content:
          application/json:
            schema: {$ref: '#/components/schemas/Pet'}
  /ping:
    summary: not an operation
    head: {}
components:
  parameters:
    Key: {name: X-Key, in: header, required: true, schema: {type: string, enum: [abc]}}
  schemas:
    Pet:
      type: object
      properties:
        name: {type: string, example: "5"}
        tags: {type: array, items: {type: string}}
        parent: {$ref: '#/components/schemas/Parent'}
    Parent: {allOf: [{type: object, properties: {good: {type: boolean}}}]}
)");
  ASSERT_TRUE(targets) << targets.error().message;
  ASSERT_EQ(targets->size(), 3u);
  EXPECT_EQ((*targets)[0].url, "http://h/v1/pets/7?limit=5");
  EXPECT_THAT((*targets)[0].headers, ElementsAre("X-Key: abc"));
  EXPECT_EQ((*targets)[1].method, "PUT");
  EXPECT_EQ((*targets)[1].body, R"({"name":"5","tags":["text"],"parent":{"good":true}})");
  EXPECT_THAT((*targets)[1].headers, ElementsAre("Content-Type: application/json"));
  EXPECT_EQ((*targets)[2].method, "HEAD");
  EXPECT_EQ((*targets)[2].url, "http://h/v1/ping");
}

TEST(OpenApiFileTest, WhatRefersToItselfEnds) {
  const auto targets =
      ParseOpenApi(R"({"openapi": "3.1.0", "paths": {"/": {"post": {"requestBody": {"content": {
    "application/json": {"schema": {"$ref": "#/s"}}}}}}},
    "s": {"type": "object", "properties": {"next": {"$ref": "#/s"}}}})");
  ASSERT_TRUE(targets) << targets.error().message;
  EXPECT_EQ((*targets)[0].url, "/");
}

TEST(OpenApiFileTest, WhatRefersToItselfOftenEndsSoon) {
  const auto tree = ParseOpenApi(R"({"openapi": "3.1.0", "paths": {"/": {"post": {"requestBody": {"content": {
    "application/json": {"schema": {"$ref": "#/s"}}}}}}}, "s": {"type": "object", "properties": {
    "left": {"$ref": "#/s"}, "right": {"$ref": "#/s"}, "all": {"type": "array", "items": {"$ref": "#/s"}}}}})");
  ASSERT_TRUE(tree) << tree.error().message;
  EXPECT_EQ((*tree)[0].body, R"({"left":null,"right":null,"all":[null]})");
  std::string wide =
      "openapi: 3.0.0\npaths: {/: {post: {requestBody: {content: {a/b: {schema: {$ref: '#/s0'}}}}}}}\n";
  for (int i = 0; i < 30; ++i) {
    const auto next = "{$ref: '#/s" + std::to_string(i + 1) + "'}";
    wide += "s" + std::to_string(i) + ": {properties: {a: " + next + ", b: " + next + "}}\n";
  }
  const auto bounded = ParseOpenApi(wide + "s30: {type: string}\n");
  ASSERT_TRUE(bounded) << bounded.error().message;
  EXPECT_LT((*bounded)[0].body.text().size(), 1'000'000u);
}

TEST(OpenApiFileTest, OddSchemasAndScalarsDoNoHarm) {
  const auto targets = ParseOpenApi(R"(
openapi: 3.0.0
info: {a: INF, b: nan, c: 99999999999999999999, d: 1e999, e: -}
paths:
  /:
    post:
      requestBody:
        content:
          application/json:
            schema:
              allOf:
                - {description: first}
                - {type: object, properties: {a: {example: INF}, b: {example: -2.5}}}
                - {description: last}
)");
  ASSERT_TRUE(targets) << targets.error().message;
  EXPECT_EQ((*targets)[0].body, R"({"a":"INF","b":-2.5})");
}

TEST(OpenApiFileTest, WhatIsNoneIsSaid) {
  for (const auto* text :
       {"", "- a", "{", "a: b", "openapi: 3.0.0\npaths: {/: {get: {parameters: [{$ref: 'x.yaml'}]}}}\n",
        "openapi: 3.0.0\npaths: {/: {get: {parameters: [{$ref: '#/none'}]}}}\n",
        "swagger: '2.0'\npaths: {}\n"}) {
    const auto targets = ParseOpenApi(text);
    ASSERT_FALSE(targets) << text;
    EXPECT_THAT(targets.error().message, HasSubstr("not an OpenAPI 3 description"));
  }
}

}  // namespace
}  // namespace hydrapool::loadgen
