// Tests of the table of routes: docs/openapi.json tells of every one of them, of no other, and is whole.
#include "api/routes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include "api/json_fields.h"

namespace aloud {
namespace {

// "GET /v1/models/{id}"; OpenAPI has no parameters of several segments.
std::string described(std::string method, std::string pattern) {
  std::ranges::transform(method, method.begin(), [](unsigned char letter) { return std::toupper(letter); });
  if (pattern.ends_with("...}")) pattern.replace(pattern.size() - 4, 4, "}");
  return method + " " + pattern;
}

std::set<std::string> names_in(const std::string& pattern) {
  std::set<std::string> names;
  for (std::size_t begin = pattern.find('{'); begin != pattern.npos; begin = pattern.find('{', begin + 1)) {
    names.insert(pattern.substr(begin + 1, pattern.find('}', begin) - begin - 1));
  }
  return names;
}

// Every {"$ref": "#/..."} within.
void find_references(const Json& json, std::set<std::string>& found) {
  if (!json.is_structured()) return;
  if (json.is_object() && json.contains("$ref")) found.insert(json["$ref"].get<std::string>());
  for (const Json& inner : json) find_references(inner, found);
}

class OpenApi : public testing::Test {
 protected:
  OpenApi() {
    std::ifstream file(ALOUD_TEST_DATA "/../../docs/openapi.json");
    document_ = Json::parse(file);
    for (const auto& [path, methods] : document_["paths"].items()) {
      for (const auto& [method, operation] : methods.items()) {
        operations_.emplace(described(method, path), operation);
      }
    }
  }
  const Json& resolved(const Json& json) const {
    if (!json.contains("$ref")) return json;
    return document_.at(Json::json_pointer(json["$ref"].get<std::string>().substr(1)));
  }

  Json document_;
  std::map<std::string, Json> operations_;
};

TEST_F(OpenApi, TellsOfEveryRouteAndOfNoOther) {
  std::set<std::string> routes, told;
  for (const ApiRoute& route : api_routes()) {
    routes.insert(described(std::string(route.method), std::string(route.pattern)));
  }
  for (const auto& [name, operation] : operations_) told.insert(name);
  EXPECT_EQ(told, routes);
}

TEST_F(OpenApi, SaysWhereNoKeyIsNeeded) {
  for (const ApiRoute& route : api_routes()) {
    const std::string name = described(std::string(route.method), std::string(route.pattern));
    const Json& operation = operations_[name];
    EXPECT_EQ(operation.contains("security"), route.authority == Authority::kAnyone) << name;
  }
}

TEST_F(OpenApi, HasBodiesWhereRoutesReadThem) {
  for (const ApiRoute& route : api_routes()) {
    const std::string name = described(std::string(route.method), std::string(route.pattern));
    if (route.max_body == kSmallBody) continue;  // some read nothing, and let clients send {}
    EXPECT_EQ(operations_[name].contains("requestBody"), route.max_body == kPromptBody) << name;
  }
}

TEST_F(OpenApi, NamesTheParametersOfEachPath) {
  for (const auto& [name, operation] : operations_) {
    std::set<std::string> parameters;
    for (const Json& parameter : operation.value("parameters", Json::array())) {
      const Json& one = resolved(parameter);
      if (one["in"] == "path") parameters.insert(one["name"].get<std::string>());
    }
    EXPECT_EQ(parameters, names_in(name)) << name;
  }
}

TEST_F(OpenApi, IsWhole) {
  std::set<std::string> references, ids;
  find_references(document_, references);
  for (const std::string& reference : references) {
    EXPECT_TRUE(document_.contains(Json::json_pointer(reference.substr(1)))) << reference;
  }
  for (const auto& [kind, parts] : document_["components"].items()) {
    if (kind == "securitySchemes") continue;
    for (const auto& [name, part] : parts.items()) {
      EXPECT_TRUE(references.contains("#/components/" + kind + "/" + name)) << name << " is used nowhere";
    }
  }
  for (const auto& [name, operation] : operations_) {
    EXPECT_TRUE(ids.insert(operation["operationId"].get<std::string>()).second) << name;
    EXPECT_TRUE(operation["responses"].contains("200")) << name;
  }
}

}  // namespace
}  // namespace aloud
