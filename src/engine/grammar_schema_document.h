// A JSON schema as a document: where each part lies and what its references mean.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

namespace aloud {

using SchemaJson = nlohmann::ordered_json;

// Views the schema, which must stay where it is.
class SchemaDocument {
 public:
  // Errors: schemas lie more than 64 deep in each other; more than 100,000 values.
  static Result<SchemaDocument> index(const SchemaJson& root);

  const SchemaJson& root() const { return *root_; }
  // "#/properties/name" for a part of the document.
  std::string pointer(const SchemaJson& part) const;
  // What "$ref" in schema refers to: a JSON pointer of this document, or an anchor. Errors: anything else.
  Result<const SchemaJson*> referred(const SchemaJson& schema) const;

  // "#/items: MESSAGE"
  template <class... Arguments>
  tl::unexpected<Error> error(const SchemaJson& part, fmt::format_string<Arguments...> format,
                              Arguments&&... arguments) const {
    return fail("{}: {}", pointer(part), fmt::format(format, std::forward<Arguments>(arguments)...));
  }

 private:
  struct Place {
    const SchemaJson* parent;
    std::string token;  // name or number in the parent
  };

  Status add(const SchemaJson& value, int depth, int schemas);
  const SchemaJson* find(std::string_view pointer) const;

  const SchemaJson* root_ = nullptr;
  std::unordered_map<const SchemaJson*, Place> places_;
  std::unordered_map<std::string, const SchemaJson*> anchors_;
};

}  // namespace aloud
