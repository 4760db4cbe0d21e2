// Reads the keywords of schemas, and joins what several of them say.
#include "engine/grammar_schema_facets.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string_view>

#include "base/printable.h"
#include "engine/grammar_formats.h"

namespace aloud {

namespace {

using Json = SchemaJson;

constexpr std::int64_t kLargestCount = std::int64_t{1} << 40;
constexpr std::int64_t kLargestMultiple = 1'000;
constexpr int kLongestPath = 200;  // of references to references

// They say nothing about which values are valid, or hold what others refer to.
constexpr std::string_view kAnnotations[] = {
    "$schema",     "$id",      "$anchor",     "$comment",         "$defs",
    "definitions", "title",    "description", "default",          "examples",
    "deprecated",  "readOnly", "writeOnly",   "contentMediaType", "contentEncoding"};

bool is_annotation(std::string_view keyword) {
  return keyword.starts_with("x-") || std::ranges::find(kAnnotations, keyword) != std::end(kAnnotations);
}

bool says_nothing(const Json& schema) {
  if (schema.is_boolean()) return schema.get<bool>();
  if (!schema.is_object()) return false;
  return std::ranges::all_of(schema.items(), [](const auto& member) { return is_annotation(member.key()); });
}

class FacetReader {
 public:
  FacetReader(const SchemaDocument& document, const SchemaParts& parts) : document_(document) {
    facets_.parts = parts;
  }

  Result<SchemaFacets> run() {
    for (std::size_t i = 0; i < facets_.parts.size(); ++i) {
      schema_ = facets_.parts[i].schema;
      for (const auto& [keyword, value] : schema_->items()) {
        keyword_ = keyword;
        if (!is_annotation(keyword)) TRY(read(i, value));
      }
    }
    return std::move(facets_);
  }

 private:
  using Read = Status (FacetReader::*)(const Json& value);
  struct Keyword {
    std::string_view name;
    Read read;
  };
  static std::span<const Keyword> keywords();

  template <class... Arguments>
  tl::unexpected<Error> error(fmt::format_string<Arguments...> format, Arguments&&... arguments) const {
    return document_.error(*schema_, "\"{}\" {}", printable(keyword_),
                           fmt::format(format, std::forward<Arguments>(arguments)...));
  }

  Status read(std::size_t part, const Json& value) {
    if (keyword_ == "anyOf" || keyword_ == "oneOf") return read_alternatives(part, value);
    const auto known = std::ranges::find(keywords(), keyword_, &Keyword::name);
    if (known == keywords().end()) return error("is not supported");
    return (this->*known->read)(value);
  }

  Status read_alternatives(std::size_t part, const Json& value) {
    const bool exactly_one = keyword_ == "oneOf";
    const SchemaPart& here = facets_.parts[part];
    if (exactly_one ? here.one_of_chosen : here.any_of_chosen) return {};
    if (!facets_.alternatives) facets_.alternatives = {part, exactly_one, &value};
    return {};
  }

  Status flattened(const Json&) { return {}; }

  Status type(const Json& value) {
    const std::vector<Json> names =
        value.is_array() ? value.get<std::vector<Json>>() : std::vector<Json>{value};
    JsonTypes types = 0;
    bool whole = false, any_number = false;
    for (const Json& name : names) {
      if (name == "null")
        types |= kNullType;
      else if (name == "boolean")
        types |= kBooleanType;
      else if (name == "string")
        types |= kStringType;
      else if (name == "array")
        types |= kArrayType;
      else if (name == "object")
        types |= kObjectType;
      else if (name == "number")
        any_number = true;
      else if (name == "integer")
        whole = true;
      else
        return error("is {}, expected null, boolean, number, integer, string, array or object",
                     printable(name.dump()));
    }
    if (whole || any_number) types |= kNumberType;
    if (whole && !any_number) facets_.numbers.integer = true;
    facets_.types &= types;
    return {};
  }

  Status only_values(std::vector<Json> values) {
    if (!facets_.values) {
      facets_.values = std::move(values);
    } else {
      std::erase_if(*facets_.values,
                    [&](const Json& value) { return std::ranges::find(values, value) == values.end(); });
    }
    return {};
  }
  Status enumeration(const Json& value) {
    if (!value.is_array()) return error("must be an array");
    return only_values(value.get<std::vector<Json>>());
  }
  Status constant(const Json& value) { return only_values({value}); }

  Result<std::int64_t> count(const Json& value) const {
    const double number = value.is_number() ? value.get<double>() : -1;
    if (number < 0 || number != std::trunc(number))
      return error("must be a whole number that is not negative");
    return static_cast<std::int64_t>(std::min(number, static_cast<double>(kLargestCount)));
  }
  Status raise(std::int64_t& least, const Json& value) {
    TRY_ASSIGN(const std::int64_t number, count(value));
    least = std::max(least, number);
    return {};
  }
  Status cut(std::int64_t& most, const Json& value) {
    TRY_ASSIGN(const std::int64_t number, count(value));
    most = most == kUnbounded ? number : std::min(most, number);
    return {};
  }

  // Not as draft 4 wrote it, where exclusiveMinimum was true or false.
  Status check_number(const Json& value) const {
    if (!value.is_number()) return error("must be a number");
    return {};
  }
  Status minimum(const Json& value) {
    TRY(check_number(value));
    facets_.numbers.raise_lower({value, keyword_ == "exclusiveMinimum"});
    return {};
  }
  Status maximum(const Json& value) {
    TRY(check_number(value));
    facets_.numbers.cut_upper({value, keyword_ == "exclusiveMaximum"});
    return {};
  }
  Status multiple_of(const Json& value) {
    const double number = value.is_number() ? value.get<double>() : 0;
    if (number <= 0) return error("must be a number above zero");
    if (number != std::trunc(number)) return error("is supported for whole numbers only");
    if (number > kLargestMultiple) return error("is supported up to {}", kLargestMultiple);
    std::int64_t& multiple = facets_.numbers.multiple_of;
    multiple = std::lcm(std::max<std::int64_t>(multiple, 1), static_cast<std::int64_t>(number));
    if (multiple > kLargestMultiple) return error("is supported up to {}", kLargestMultiple);
    facets_.numbers.integer = true;
    return {};
  }

  Status min_length(const Json& value) { return raise(facets_.min_length, value); }
  Status max_length(const Json& value) { return cut(facets_.max_length, value); }
  Status pattern(const Json& value) {
    if (!value.is_string()) return error("must be a string");
    facets_.patterns.push_back({schema_, value.get<std::string>(), false});
    return {};
  }
  Status format(const Json& value) {
    if (!value.is_string()) return error("must be a string");
    const auto name = value.get<std::string>();
    // OpenAPI's names for how numbers are stored.
    if (name == "int64" || name == "float" || name == "double") return {};
    if (name == "int32") {
      facets_.numbers.raise_lower({INT32_MIN, false});
      facets_.numbers.cut_upper({INT32_MAX, false});
      return {};
    }
    std::optional<std::string> known = format_pattern(name);
    if (!known) return error("is {}, which is not supported", printable(value.dump()));
    facets_.patterns.push_back({schema_, std::move(*known), true});
    return {};
  }

  Status min_items(const Json& value) {
    facets_.limits_items = true;
    return raise(facets_.min_items, value);
  }
  Status max_items(const Json& value) {
    facets_.limits_items = true;
    return cut(facets_.max_items, value);
  }
  Status items(const Json&) {
    facets_.limits_items = true;
    return {};
  }
  Status prefix_items(const Json& value) {
    facets_.limits_items = true;
    if (!value.is_array()) return error("must be an array");
    return {};
  }
  Status unique_items(const Json& value) {
    if (value != false) return error("is not supported");
    return {};
  }

  Status min_members(const Json& value) {
    facets_.limits_members = true;
    return raise(facets_.min_members, value);
  }
  Status max_members(const Json& value) {
    facets_.limits_members = true;
    return cut(facets_.max_members, value);
  }
  Status required(const Json& value) {
    facets_.limits_members = true;
    const bool strings =
        value.is_array() && std::ranges::all_of(value, [](const Json& name) { return name.is_string(); });
    if (!strings) return error("must be an array of strings");
    std::unordered_set<std::string> seen(facets_.required.begin(), facets_.required.end());
    for (const Json& name : value) {
      if (seen.insert(name.get<std::string>()).second) facets_.required.push_back(name.get<std::string>());
    }
    return {};
  }
  Status properties(const Json& value) {
    facets_.limits_members = true;
    if (!value.is_object()) return error("must be an object");
    return {};
  }
  Status additional_properties(const Json&) {
    facets_.limits_members = true;
    return {};
  }
  Status property_names(const Json& value) {
    facets_.limits_members = true;
    facets_.names.push_back({&value});
    return {};
  }

  const SchemaDocument& document_;
  SchemaFacets facets_;
  const Json* schema_ = nullptr;  // that is being read
  std::string keyword_;
};

std::span<const FacetReader::Keyword> FacetReader::keywords() {
  static constexpr Keyword kKeywords[] = {
      {"$ref", &FacetReader::flattened},
      {"allOf", &FacetReader::flattened},
      {"type", &FacetReader::type},
      {"enum", &FacetReader::enumeration},
      {"const", &FacetReader::constant},
      {"minimum", &FacetReader::minimum},
      {"exclusiveMinimum", &FacetReader::minimum},
      {"maximum", &FacetReader::maximum},
      {"exclusiveMaximum", &FacetReader::maximum},
      {"multipleOf", &FacetReader::multiple_of},
      {"minLength", &FacetReader::min_length},
      {"maxLength", &FacetReader::max_length},
      {"pattern", &FacetReader::pattern},
      {"format", &FacetReader::format},
      {"minItems", &FacetReader::min_items},
      {"maxItems", &FacetReader::max_items},
      {"items", &FacetReader::items},
      {"additionalItems", &FacetReader::items},
      {"prefixItems", &FacetReader::prefix_items},
      {"uniqueItems", &FacetReader::unique_items},
      {"minProperties", &FacetReader::min_members},
      {"maxProperties", &FacetReader::max_members},
      {"required", &FacetReader::required},
      {"properties", &FacetReader::properties},
      {"patternProperties", &FacetReader::properties},
      {"additionalProperties", &FacetReader::additional_properties},
      {"propertyNames", &FacetReader::property_names},
  };
  return kKeywords;
}

}  // namespace

JsonTypes type_of(const SchemaJson& value) {
  if (value.is_null()) return kNullType;
  if (value.is_boolean()) return kBooleanType;
  if (value.is_number()) return kNumberType;
  if (value.is_string()) return kStringType;
  return value.is_array() ? kArrayType : kObjectType;
}

SchemaParts SchemaFacets::with_alternative(const SchemaJson& alternative) const {
  SchemaParts result = parts;
  SchemaPart& part = result[alternatives->part];
  (alternatives->exactly_one ? part.one_of_chosen : part.any_of_chosen) = true;
  result.push_back({&alternative});
  return result;
}

bool SchemaFacets::has_type(const SchemaJson& value) const {
  if ((types & type_of(value)) == 0) return false;
  if (!numbers.integer || !value.is_number_float()) return true;
  return value.get<double>() == std::trunc(value.get<double>());
}

Result<SchemaParts> SchemaFlattener::flatten(const SchemaParts& parts) {
  SchemaParts result;
  // Where an alternative was chosen is known from the parts that are given, so these come first.
  for (const SchemaPart& part : parts) {
    TRY(check_progress(*part.schema, 0));
    if (!says_nothing(*part.schema)) add(part, result);
  }
  for (std::size_t i = 0; i < result.size(); ++i) {
    const Json& schema = *result[i].schema;
    if (!schema.is_object()) continue;
    if (schema.contains("$ref")) {
      TRY_ASSIGN(const Json* referred, document_.referred(schema));
      if (!says_nothing(*referred)) add({referred}, result);
    }
    if (const auto all_of = schema.find("allOf"); all_of != schema.end()) {
      for (const Json& member : *all_of) {
        if (!says_nothing(member)) add({&member}, result);
      }
    }
  }
  return result;
}

void SchemaFlattener::add(const SchemaPart& part, SchemaParts& parts) {
  if (std::ranges::find(parts, part.schema, &SchemaPart::schema) == parts.end()) parts.push_back(part);
}

Status SchemaFlattener::check_progress(const Json& schema, int depth) {
  if (progressing_.contains(&schema)) return {};
  if (!schema.is_object() && !schema.is_boolean())
    return document_.error(schema, "a schema must be an object, true or false");
  if (!open_.insert(&schema).second) return document_.error(schema, "refers to itself without any progress");
  if (depth > kLongestPath) return document_.error(schema, "is reached over too many references");
  if (schema.is_object()) {
    if (schema.contains("$ref")) {
      TRY_ASSIGN(const Json* referred, document_.referred(schema));
      TRY(check_progress(*referred, depth + 1));
    }
    for (const char* keyword : {"allOf", "anyOf", "oneOf"}) {
      const auto list = schema.find(keyword);
      if (list == schema.end()) continue;
      if (!list->is_array() || list->empty())
        return document_.error(schema, "\"{}\" must be an array of schemas", keyword);
      for (const Json& member : *list) TRY(check_progress(member, depth + 1));
    }
  }
  open_.erase(&schema);
  progressing_.insert(&schema);
  return {};
}

Result<SchemaFacets> read_facets(const SchemaDocument& document, const SchemaParts& parts) {
  return FacetReader(document, parts).run();
}

}  // namespace aloud
