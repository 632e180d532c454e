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
  ASSERT_EQ(targets->targets.size(), 3u);
  EXPECT_EQ(targets->targets[0].url, "http://h/v1/pets/7?limit=5");
  EXPECT_THAT(targets->targets[0].headers, ElementsAre("X-Key: abc"));
  EXPECT_EQ(targets->targets[1].method, "PUT");
  EXPECT_EQ(targets->targets[1].body, R"({"name":"5","tags":["text"],"parent":{"good":true}})");
  EXPECT_THAT(targets->targets[1].headers, ElementsAre("Content-Type: application/json"));
  EXPECT_EQ(targets->targets[2].method, "HEAD");
  EXPECT_EQ(targets->targets[2].url, "http://h/v1/ping");
}

TEST(OpenApiFileTest, WhatRefersToItselfEnds) {
  const auto targets =
      ParseOpenApi(R"({"openapi": "3.1.0", "paths": {"/": {"post": {"requestBody": {"content": {
    "application/json": {"schema": {"$ref": "#/s"}}}}}}},
    "s": {"type": "object", "properties": {"next": {"$ref": "#/s"}}}})");
  ASSERT_TRUE(targets) << targets.error().message;
  EXPECT_EQ(targets->targets[0].url, "/");
}

TEST(OpenApiFileTest, WhatRefersToItselfOftenEndsSoon) {
  const auto tree = ParseOpenApi(R"({"openapi": "3.1.0", "paths": {"/": {"post": {"requestBody": {"content": {
    "application/json": {"schema": {"$ref": "#/s"}}}}}}}, "s": {"type": "object", "properties": {
    "left": {"$ref": "#/s"}, "right": {"$ref": "#/s"}, "all": {"type": "array", "items": {"$ref": "#/s"}}}}})");
  ASSERT_TRUE(tree) << tree.error().message;
  EXPECT_EQ(tree->targets[0].body, R"({"left":null,"right":null,"all":[null]})");
  std::string wide =
      "openapi: 3.0.0\npaths: {/: {post: {requestBody: {content: {application/json: {schema: {$ref: "
      "'#/s0'}}}}}}}\n";
  for (int i = 0; i < 30; ++i) {
    const auto next = "{$ref: '#/s" + std::to_string(i + 1) + "'}";
    wide += "s" + std::to_string(i) + ": {properties: {a: " + next + ", b: " + next + "}}\n";
  }
  const auto bounded = ParseOpenApi(wide + "s30: {type: string}\n");
  ASSERT_TRUE(bounded) << bounded.error().message;
  EXPECT_LT(bounded->targets[0].body.text().size(), 1'000'000u);
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
  EXPECT_EQ(targets->targets[0].body, R"({"a":"INF","b":-2.5})");
}

/// The one operation of an API whose path has `operation`.
OpenApiRequests One(const std::string& operation, const std::string& more = {}) {
  const auto requests =
      ParseOpenApi("openapi: 3.1.0\npaths:\n  /a/{id}:\n    post: " + operation + "\n" + more);
  EXPECT_TRUE(requests) << requests.error().message;
  return requests.value_or(OpenApiRequests{.targets = {Target{}}});
}

TEST(OpenApiFileTest, ParametersAreWrittenAsUrlsWantThem) {
  const auto requests = One(R"({parameters: [
      {name: id, in: path, schema: {type: string, example: "a/b c"}},
      {name: q, in: query, required: true, examples: {one: {value: "x&y"}}},
      {name: ids, in: query, required: true, schema: {type: array, items: {type: [integer, "null"]}, example: [1, 2]}},
      {name: csv, in: query, required: true, explode: false, schema: {example: [1, 2]}},
      {name: f, in: query, required: true, style: deepObject, schema: {example: {k: v}}},
      {name: sid, in: cookie, required: true, schema: {format: uuid}},
      {name: Accept, in: header, required: true}]})");
  EXPECT_EQ(requests.targets[0].url, "/a/a%2Fb%20c?q=x%26y&ids=1&ids=2&csv=1%2C2&f%5Bk%5D=v");
  EXPECT_THAT(requests.targets[0].headers, ElementsAre("Cookie: sid=00000000-0000-4000-8000-000000000000"));
  EXPECT_THAT(requests.notes, ElementsAre());
  EXPECT_THAT(One("{}").notes, ElementsAre("POST /a/{id}: what stands in braces there is nowhere described"));
}

TEST(OpenApiFileTest, AnOperationsOwnParametersAndServersCount) {
  const auto requests = One(
      "{parameters: [{name: id, in: path, example: own}, {name: q, in: query, required: true, example: 2}]}",
      R"(    parameters: [{name: id, in: path, example: all}, {name: q, in: query, required: true, example: 1}]
    servers: [{url: "https://{env}.h/{v}/", variables: {env: {default: test}, v: {default: 2}}}]
servers: [{url: "http://other"}]
)");
  EXPECT_EQ(requests.targets[0].url, "https://test.h/2/a/own?q=2");
}

TEST(OpenApiFileTest, BodiesAreOfTheTypeThatIsSaid) {
  const auto body = [](const std::string& content) {
    return One("{parameters: [{name: id, in: path}], requestBody: {content: " + content + "}}");
  };
  const std::string fields =
      "{schema: {properties: {a: {example: 'x y'}, b: {example: [1, 2]}, c: {readOnly: true}}}}";
  EXPECT_EQ(body("{application/x-www-form-urlencoded: " + fields + "}").targets[0].body, "a=x%20y&b=1&b=2");
  EXPECT_EQ(body("{text/plain: {}, application/problem+json: " + fields + "}").targets[0].body,
            R"({"a":"x y","b":[1,2]})");
  const auto parts = body("{multipart/form-data: " + fields + "}").targets[0];
  EXPECT_THAT(parts.body.text(), HasSubstr("; name=\"a\"\r\n\r\nx y\r\n--loadgen-5f3a9c1e7b2d\r\n"));
  EXPECT_THAT(parts.headers, ElementsAre("Content-Type: multipart/form-data; boundary=loadgen-5f3a9c1e7b2d"));
  EXPECT_EQ(body("{application/json: {examples: {one: {value: {z: 1}}}}}").targets[0].body, R"({"z":1})");
  EXPECT_EQ(body(R"({application/json: {example: '{"z": 1}'}})").targets[0].body, R"({"z": 1})");
  const auto xml = body("{application/xml: " + fields + "}");
  EXPECT_EQ(xml.targets[0].body, "");
  EXPECT_THAT(xml.notes, ElementsAre(HasSubstr("a body of application/xml is not made up")));
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
