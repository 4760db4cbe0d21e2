// What several schemas together demand of one value, keyword by keyword.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/grammar_numbers.h"
#include "engine/grammar_schema_document.h"

namespace aloud {

// One of the schemas. Its anyOf and oneOf are disregarded where one alternative is a part beside it.
struct SchemaPart {
  const SchemaJson* schema = nullptr;
  bool any_of_chosen = false;
  bool one_of_chosen = false;

  auto operator<=>(const SchemaPart&) const = default;
};
using SchemaParts = std::vector<SchemaPart>;

// Kinds of values, as a set.
using JsonTypes = unsigned;
inline constexpr JsonTypes kNullType = 1;
inline constexpr JsonTypes kBooleanType = 2;
inline constexpr JsonTypes kNumberType = 4;
inline constexpr JsonTypes kStringType = 8;
inline constexpr JsonTypes kArrayType = 16;
inline constexpr JsonTypes kObjectType = 32;
inline constexpr JsonTypes kScalarTypes = kNullType | kBooleanType | kNumberType | kStringType;
inline constexpr JsonTypes kAnyType = kScalarTypes | kArrayType | kObjectType;

JsonTypes type_of(const SchemaJson& value);

struct SchemaFacets {
  struct Pattern {
    const SchemaJson* schema;  // where it stands
    std::string text;
    bool is_format;  // for the whole string; else somewhere in it
  };
  // A schema's alternatives, of which a value must match one (anyOf) or exactly one (oneOf).
  struct Alternatives {
    std::size_t part;  // whose they are
    bool exactly_one;
    const SchemaJson* list;
  };

  SchemaParts parts;
  JsonTypes types = kAnyType;
  std::optional<std::vector<SchemaJson>> values;  // enum, const
  NumberLimits numbers;
  std::int64_t min_length = 0;
  std::int64_t max_length = kUnbounded;
  std::vector<Pattern> patterns;
  bool limits_items = false;  // some keyword is about arrays
  std::int64_t min_items = 0;
  std::int64_t max_items = kUnbounded;
  bool limits_members = false;  // some keyword is about objects
  std::int64_t min_members = 0;
  std::int64_t max_members = kUnbounded;
  std::vector<std::string> required;  // each once
  SchemaParts names;                  // propertyNames
  std::optional<Alternatives> alternatives;

  bool limits_numbers() const {
    return numbers.lower || numbers.upper || numbers.multiple_of > 0 || numbers.integer;
  }
  bool limits_strings() const { return min_length > 0 || max_length != kUnbounded || !patterns.empty(); }
  // The parts, and one of the alternatives as a part beside them.
  SchemaParts with_alternative(const SchemaJson& alternative) const;
  // Types are all that is looked at.
  bool has_type(const SchemaJson& value) const;
};

class SchemaFlattener {
 public:
  explicit SchemaFlattener(const SchemaDocument& document) : document_(document) {}

  // The parts and all that they refer to by $ref and allOf, each once; {} and true fall out, false stays.
  // Errors: what is no schema; a schema that is a part of itself, also as an alternative.
  Result<SchemaParts> flatten(const SchemaParts& parts);

 private:
  static void add(const SchemaPart& part, SchemaParts& parts);
  Status check_progress(const SchemaJson& schema, int depth);

  const SchemaDocument& document_;
  std::unordered_set<const SchemaJson*> open_;         // whose references are being followed
  std::unordered_set<const SchemaJson*> progressing_;  // those that were found good
};

// Of flattened parts, none of them false. Errors: keywords that are not supported, and values that they
// cannot have.
Result<SchemaFacets> read_facets(const SchemaDocument& document, const SchemaParts& parts);

}  // namespace aloud
