// Asks a schema what it says about a value, its items, its members and its text.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/grammar_automaton.h"
#include "engine/grammar_schema_facets.h"

namespace aloud {

// Views the document. Strings are taken as json_plain_character() writes them, without their quotes.
class SchemaReader {
 public:
  explicit SchemaReader(const SchemaDocument& document) : document_(document), flattener_(document) {}

  const SchemaDocument& document() const { return document_; }
  GrammarBudget& budget() { return budget_; }
  Result<SchemaParts> flatten(const SchemaParts& parts) { return flattener_.flatten(parts); }

  // The facets of flattened parts; nothing where one of them is false.
  Result<std::optional<SchemaFacets>> facets(const SchemaParts& flattened) const;

  // How many items have schemas of their own, and the schemas of an item.
  static std::size_t prefix_length(const SchemaFacets& facets);
  static SchemaParts item_parts(const SchemaFacets& facets, std::size_t index);

  // Members that are named by properties or required, in this order.
  static std::vector<std::string> member_names(const SchemaFacets& facets);
  // The patterns of patternProperties, each once.
  static std::vector<std::string> member_patterns(const SchemaFacets& facets);
  // The schemas of a member with this name.
  Result<SchemaParts> member_parts(const SchemaFacets& facets, const std::string& name);
  // The schemas of members whose names are not in properties and match this pattern of patternProperties
  // alone (nullptr: none).
  static SchemaParts other_member_parts(const SchemaFacets& facets, const std::string* pattern);

  // Strings that hold a match.
  Result<const Automaton*> pattern_automaton(const SchemaJson& schema, const std::string& pattern);
  // The strings that length, pattern, format and enum allow.
  Result<Automaton> string_automaton(const SchemaFacets& facets);
  // Whether a value of enum or const agrees with the keywords beside it. Errors: arrays and objects with
  // keywords that are about these.
  Result<bool> admits(const SchemaFacets& facets, const SchemaJson& value);

 private:
  Result<Automaton> determined(const ExpressionPtr& expression) {
    return determinise(*expression, {}, budget_);
  }

  const SchemaDocument& document_;
  SchemaFlattener flattener_;
  GrammarBudget budget_;
  std::map<std::string, Automaton> patterns_;
};

}  // namespace aloud
