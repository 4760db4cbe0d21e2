// Finds the schemas of items and members, and the automata of strings.
#include "engine/grammar_schema_reader.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "engine/grammar_json.h"
#include "engine/grammar_regex.h"

namespace aloud {

namespace {

using Json = SchemaJson;

const Json* find(const Json& schema, const char* keyword) {
  const auto found = schema.find(keyword);
  return found == schema.end() ? nullptr : &*found;
}

// Draft 7 wrote items: [...] and additionalItems for prefixItems and items.
struct Items {
  const Json* prefix = nullptr;
  const Json* rest = nullptr;
};

Items items_of(const Json& schema) {
  const Json* items = find(schema, "items");
  if (items != nullptr && items->is_array()) return {items, find(schema, "additionalItems")};
  return {find(schema, "prefixItems"), items};
}

}  // namespace

Result<std::optional<SchemaFacets>> SchemaReader::facets(const SchemaParts& flattened) const {
  for (const SchemaPart& part : flattened) {
    if (part.schema->is_boolean()) return std::nullopt;
  }
  return read_facets(document_, flattened);
}

std::size_t SchemaReader::prefix_length(const SchemaFacets& facets) {
  std::size_t length = 0;
  for (const SchemaPart& part : facets.parts) {
    if (const Json* prefix = items_of(*part.schema).prefix) length = std::max(length, prefix->size());
  }
  return length;
}

SchemaParts SchemaReader::item_parts(const SchemaFacets& facets, std::size_t index) {
  SchemaParts result;
  for (const SchemaPart& part : facets.parts) {
    const Items items = items_of(*part.schema);
    if (items.prefix != nullptr && index < items.prefix->size())
      result.push_back({&(*items.prefix)[index]});
    else if (items.rest != nullptr)
      result.push_back({items.rest});
  }
  return result;
}

std::vector<std::string> SchemaReader::member_names(const SchemaFacets& facets) {
  std::vector<std::string> names;
  std::unordered_set<std::string> seen;
  const auto add = [&](const std::string& name) {
    if (seen.insert(name).second) names.push_back(name);
  };
  for (const SchemaPart& part : facets.parts) {
    const Json* properties = find(*part.schema, "properties");
    if (properties == nullptr) continue;
    for (const auto& [name, schema] : properties->items()) add(name);
  }
  for (const std::string& name : facets.required) add(name);
  return names;
}

std::vector<std::string> SchemaReader::member_patterns(const SchemaFacets& facets) {
  std::vector<std::string> patterns;
  for (const SchemaPart& part : facets.parts) {
    const Json* listed = find(*part.schema, "patternProperties");
    if (listed == nullptr) continue;
    for (const auto& [pattern, schema] : listed->items()) {
      if (std::ranges::find(patterns, pattern) == patterns.end()) patterns.push_back(pattern);
    }
  }
  return patterns;
}

Result<SchemaParts> SchemaReader::member_parts(const SchemaFacets& facets, const std::string& name) {
  SchemaParts result;
  for (const SchemaPart& part : facets.parts) {
    bool named = false;
    if (const Json* properties = find(*part.schema, "properties");
        properties != nullptr && properties->contains(name)) {
      named = true;
      result.push_back({&(*properties)[name]});
    }
    if (const Json* patterns = find(*part.schema, "patternProperties")) {
      for (auto pattern = patterns->begin(); pattern != patterns->end(); ++pattern) {
        TRY_ASSIGN(const Automaton* automaton, pattern_automaton(*part.schema, pattern.key()));
        if (!automaton->accepts(json_plain_string(name))) continue;
        named = true;
        result.push_back({&*pattern});
      }
    }
    const Json* additional = find(*part.schema, "additionalProperties");
    if (!named && additional != nullptr) result.push_back({additional});
  }
  return result;
}

SchemaParts SchemaReader::other_member_parts(const SchemaFacets& facets, const std::string* pattern) {
  SchemaParts result;
  for (const SchemaPart& part : facets.parts) {
    const Json* patterns = find(*part.schema, "patternProperties");
    const Json* additional = find(*part.schema, "additionalProperties");
    if (pattern != nullptr && patterns != nullptr && patterns->contains(*pattern))
      result.push_back({&(*patterns)[*pattern]});
    else if (additional != nullptr)
      result.push_back({additional});
  }
  return result;
}

Result<const Automaton*> SchemaReader::pattern_automaton(const Json& schema, const std::string& pattern) {
  const auto found = patterns_.find(pattern);
  if (found != patterns_.end()) return &found->second;
  Result<Automaton> automaton =
      regex_automaton(pattern, RegexMatch::kAnywhere, json_plain_character, budget_);
  if (!automaton)
    return document_.error(schema, "the pattern {}: {}", Json(pattern).dump(), automaton.error().message);
  return &patterns_.emplace(pattern, std::move(*automaton)).first->second;
}

Result<Automaton> SchemaReader::string_automaton(const SchemaFacets& facets) {
  const ExpressionPtr lengths =
      repeat(json_plain_character(CharacterSet::all()), facets.min_length, facets.max_length);
  if (facets.max_length != kUnbounded && facets.min_length > facets.max_length) return Automaton{{{}}};
  TRY_ASSIGN(Automaton result, determined(lengths));
  for (const SchemaFacets::Pattern& pattern : facets.patterns) {
    if (pattern.is_format) {
      TRY_ASSIGN(const Automaton automaton,
                 regex_automaton(pattern.text, RegexMatch::kWhole, json_plain_character, budget_));
      TRY_ASSIGN(result, intersect(result, automaton, budget_));
    } else {
      TRY_ASSIGN(const Automaton* automaton, pattern_automaton(*pattern.schema, pattern.text));
      TRY_ASSIGN(result, intersect(result, *automaton, budget_));
    }
  }
  if (facets.values) {
    std::vector<ExpressionPtr> texts;
    for (const Json& value : *facets.values) {
      if (value.is_string()) texts.push_back(text(json_plain_string(value.get<std::string>())));
    }
    TRY_ASSIGN(const Automaton values, determined(choice(std::move(texts))));
    TRY_ASSIGN(result, intersect(result, values, budget_));
  }
  return result;
}

Result<bool> SchemaReader::admits(const SchemaFacets& facets, const Json& value) {
  if (!facets.has_type(value)) return false;
  if (value.is_string()) {
    if (!facets.limits_strings()) return true;
    SchemaFacets others = facets;
    others.values.reset();
    TRY_ASSIGN(const Automaton automaton, string_automaton(others));
    return automaton.accepts(json_plain_string(value.get<std::string>()));
  }
  if (value.is_number()) {
    const NumberLimits& limits = facets.numbers;
    if (limits.lower &&
        (value < limits.lower->value || (limits.lower->exclusive && value == limits.lower->value)))
      return false;
    if (limits.upper &&
        (value > limits.upper->value || (limits.upper->exclusive && value == limits.upper->value)))
      return false;
    return limits.multiple_of == 0 ||
           std::fmod(value.get<double>(), static_cast<double>(limits.multiple_of)) == 0;
  }
  if ((value.is_array() && facets.limits_items) || (value.is_object() && facets.limits_members))
    return document_.error(
        *facets.parts.front().schema,
        "\"enum\" and \"const\" with arrays or objects beside keywords about these are not supported");
  return true;
}

}  // namespace aloud
