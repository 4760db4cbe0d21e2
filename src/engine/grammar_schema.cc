// Turns what a schema demands into rules, one for each set of schemas that a value must satisfy together.
#include "engine/grammar_schema.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "engine/grammar_json.h"
#include "engine/grammar_schema_overlap.h"
#include "engine/grammar_schema_reader.h"

namespace aloud {

namespace {

using Json = SchemaJson;

constexpr std::size_t kMostSchemaRules = 10'000;
constexpr std::int64_t kMostNodes = 100'000;
constexpr std::int64_t kInlineSize = 64;  // longer bodies become rules, so that they are there only once

class SchemaCompiler {
 public:
  explicit SchemaCompiler(const SchemaDocument& document) : document_(document), reader_(document) {}

  Result<GrammarRules> compile() {
    rules_.push_back({"the schema", nullptr});
    TRY_ASSIGN(rules_[0].body, value({{&document_.root()}}));
    while (!open_.empty()) {
      const Open open = std::move(open_.back());
      open_.pop_back();
      TRY_ASSIGN(
          rules_[open.rule].body,
          placed(open.facets, open.facets.alternatives ? alternatives(open.facets) : any_type(open.facets)));
      if (rules_.size() > kMostSchemaRules)
        return fail("the schema needs more than {} rules", kMostSchemaRules);
    }
    return std::move(rules_);
  }

 private:
  // A rule whose body is still to be made.
  struct Open {
    std::size_t rule;
    SchemaFacets facets;
  };
  // What every schema may use; made when it is first asked for.
  enum Shared { kAnyValue, kAnyString, kAnyNumber, kAnyInteger, kAnyArray, kAnyObject, kSharedCount };

  std::size_t add_rule(std::string name, ExpressionPtr body) {
    rules_.push_back({std::move(name), std::move(body)});
    return rules_.size() - 1;
  }
  static ExpressionPtr call_of(std::size_t rule) { return call(static_cast<RuleId>(rule)); }

  Result<ExpressionPtr> shared(Shared which) {
    if (shared_[which] == 0) {
      shared_[which] = add_rule("any JSON value", nullptr);
      TRY_ASSIGN(rules_[shared_[which]].body, shared_body(which));
    }
    return call_of(shared_[which]);
  }

  Result<ExpressionPtr> shared_body(Shared which) {
    switch (which) {
      case kAnyString:
        return json_quoted(repeat(json_character(), 0, kUnbounded));
      case kAnyNumber:
        return number_expression(NumberLimits{}, reader_.budget());
      case kAnyInteger: {
        NumberLimits limits;
        limits.integer = true;
        return number_expression(limits, reader_.budget());
      }
      case kAnyArray:
        return array({});
      case kAnyObject:
        return object({});
      default:
        return any_type({});
    }
  }

  // Any value that all of these schemas allow.
  Result<ExpressionPtr> value(const SchemaParts& parts) {
    TRY_ASSIGN(const SchemaParts flat, reader_.flatten(parts));
    if (flat.empty()) return shared(kAnyValue);
    if (const auto known = known_.find(flat); known != known_.end()) return known->second;
    TRY_ASSIGN(std::optional<SchemaFacets> facets, reader_.facets(flat));
    if (!facets) return nothing();
    const std::string name = document_.pointer(*flat.front().schema);
    ExpressionPtr result;
    if (facets->alternatives || (!facets->values && (facets->types & ~kScalarTypes) != 0)) {
      const std::size_t rule = add_rule(name, nullptr);
      open_.push_back({rule, std::move(*facets)});
      result = call_of(rule);
    } else {
      TRY_ASSIGN(result, placed(*facets, any_type(*facets)));
      if (result->size > kInlineSize) result = call_of(add_rule(name, std::move(result)));
    }
    known_[flat] = result;
    return result;
  }

  Result<ExpressionPtr> alternatives(const SchemaFacets& facets) {
    std::vector<SchemaParts> choices;
    std::vector<ExpressionPtr> parts;
    for (const Json& alternative : *facets.alternatives->list) {
      TRY_ASSIGN(SchemaParts flat, reader_.flatten(facets.with_alternative(alternative)));
      TRY_ASSIGN(ExpressionPtr part, value(flat));
      parts.push_back(std::move(part));
      choices.push_back(std::move(flat));
    }
    for (std::size_t b = 0; b < choices.size() && facets.alternatives->exactly_one; ++b) {
      for (std::size_t a = 0; a < b; ++a) {
        TRY_ASSIGN(const bool apart, are_disjoint(reader_, choices[a], choices[b]));
        if (!apart)
          return document_.error(*facets.alternatives->list,
                                 "one value may match alternatives {} and {}, which \"oneOf\" forbids; "
                                 "\"anyOf\" allows it",
                                 a, b);
      }
    }
    return choice(std::move(parts));
  }

  Result<ExpressionPtr> any_type(const SchemaFacets& facets) {
    std::vector<ExpressionPtr> parts;
    if (facets.values) {
      for (const Json& listed : *facets.values) {
        TRY_ASSIGN(const bool admitted, reader_.admits(facets, listed));
        if (admitted) parts.push_back(json_literal(listed));
      }
      return choice(std::move(parts));
    }
    if (facets.types & kNullType) parts.push_back(text("null"));
    if (facets.types & kBooleanType) parts.push_back(choice({text("true"), text("false")}));
    const auto add = [&](JsonTypes type,
                         Result<ExpressionPtr> (SchemaCompiler::*make)(const SchemaFacets&)) -> Status {
      if (!(facets.types & type)) return {};
      Result<ExpressionPtr> part = (this->*make)(facets);
      if (!part) return pass_error(part);
      parts.push_back(std::move(*part));
      return {};
    };
    TRY(add(kNumberType, &SchemaCompiler::number));
    TRY(add(kStringType, &SchemaCompiler::string));
    TRY(add(kArrayType, &SchemaCompiler::any_array));
    TRY(add(kObjectType, &SchemaCompiler::any_object));
    return choice(std::move(parts));
  }

  // Errors of parts that know no places get that of the schema.
  template <class T>
  Result<T> placed(const SchemaFacets& facets, Result<T> result) const {
    if (result || facets.parts.empty() || result.error().message.starts_with('#')) return result;
    return document_.error(*facets.parts.front().schema, "{}", result.error().message);
  }

  Result<ExpressionPtr> number(const SchemaFacets& facets) {
    const NumberLimits& limits = facets.numbers;
    if (!limits.lower && !limits.upper && limits.multiple_of == 0)
      return shared(limits.integer ? kAnyInteger : kAnyNumber);
    return number_expression(limits, reader_.budget());
  }

  Result<ExpressionPtr> string(const SchemaFacets& facets) {
    if (!facets.limits_strings()) return shared(kAnyString);
    if (facets.patterns.empty()) {
      if (facets.max_length != kUnbounded && facets.min_length > facets.max_length) return nothing();
      return json_quoted(repeat(json_character(), facets.min_length, facets.max_length));
    }
    TRY_ASSIGN(Automaton automaton, reader_.string_automaton(facets));
    return json_quoted(embedded(std::move(automaton)));
  }

  Result<ExpressionPtr> any_array(const SchemaFacets& facets) {
    return facets.limits_items ? array(facets) : shared(kAnyArray);
  }

  // Node n of the graph: so many items are written; the last but one for all further ones, where there is no
  // bound.
  Result<ExpressionPtr> array(const SchemaFacets& facets) {
    const auto prefix = static_cast<std::int64_t>(SchemaReader::prefix_length(facets));
    const bool bounded = facets.max_items != kUnbounded;
    const std::int64_t last =
        bounded ? facets.max_items : std::max<std::int64_t>({prefix, facets.min_items, 1});
    if (last > kMostNodes || facets.min_items > last)
      return facets.min_items > last
                 ? nothing()
                 : Result<ExpressionPtr>(document_.error(*facets.parts.front().schema,
                                                         "arrays of {} items are too large", last));
    const auto item = [&](std::int64_t index) {
      return value(SchemaReader::item_parts(facets, static_cast<std::size_t>(index)));
    };
    Expression::Graph items{static_cast<std::int32_t>(last) + 2, {}};
    const auto end = static_cast<std::int32_t>(last) + 1;
    TRY_ASSIGN(const ExpressionPtr further, item(prefix));
    for (std::int32_t n = 0; n <= last; ++n) {
      if (n >= facets.min_items) items.edges.push_back({n, end, nullptr});
      if (n == last && bounded) break;
      ExpressionPtr next = further;
      if (n < prefix) {
        TRY_ASSIGN(next, item(n));
      }
      if (n > 0) next = sequence({json_comma(), std::move(next)});
      items.edges.push_back({n, std::min(n + 1, end - 1), std::move(next)});
    }
    return sequence({text("["), graph(std::move(items)), text("]")});
  }

  Result<ExpressionPtr> any_object(const SchemaFacets& facets) {
    return facets.limits_members ? object(facets) : shared(kAnyObject);
  }

  struct Member {
    ExpressionPtr pair;
    bool required;
  };
  Result<std::vector<Member>> named_members(const SchemaFacets& facets,
                                            const std::vector<std::string>& names);
  Result<ExpressionPtr> other_member(const SchemaFacets& facets, const std::vector<std::string>& names);
  Result<std::optional<Automaton>> allowed_names(const SchemaFacets& facets);
  Result<ExpressionPtr> object(const SchemaFacets& facets);

  const SchemaDocument& document_;
  SchemaReader reader_;
  GrammarRules rules_;
  std::array<std::size_t, kSharedCount> shared_{};  // 0: not made yet
  std::map<SchemaParts, ExpressionPtr> known_;
  std::vector<Open> open_;
};

ExpressionPtr pair(ExpressionPtr name, ExpressionPtr value) {
  return sequence({std::move(name), json_colon(), std::move(value)});
}

// What propertyNames says; nothing where it says nothing.
Result<std::optional<Automaton>> SchemaCompiler::allowed_names(const SchemaFacets& facets) {
  TRY_ASSIGN(const SchemaParts flat, reader_.flatten(facets.names));
  if (flat.empty()) return std::nullopt;
  TRY_ASSIGN(const std::optional<SchemaFacets> names, reader_.facets(flat));
  if (!names || !(names->types & kStringType)) return Automaton{{{}}};
  if (names->alternatives)
    return document_.error(*facets.parts.front().schema,
                           "\"propertyNames\" with alternatives is not supported");
  TRY_ASSIGN(Automaton automaton, reader_.string_automaton(*names));
  return automaton;
}

Result<std::vector<SchemaCompiler::Member>> SchemaCompiler::named_members(
    const SchemaFacets& facets, const std::vector<std::string>& names) {
  TRY_ASSIGN(const std::optional<Automaton> allowed, allowed_names(facets));
  const std::unordered_set<std::string> required(facets.required.begin(), facets.required.end());
  std::vector<Member> members;
  for (const std::string& name : names) {
    const std::string written = json_plain_string(name);
    ExpressionPtr value_of = nothing();
    if (!allowed || allowed->accepts(written)) {
      TRY_ASSIGN(const SchemaParts parts, reader_.member_parts(facets, name));
      TRY_ASSIGN(value_of, value(parts));
    }
    members.push_back({pair(json_quoted(text(written)), std::move(value_of)), required.contains(name)});
  }
  return members;
}

// A member whose name is not among names. Where names match several patterns they are not written at all.
Result<ExpressionPtr> SchemaCompiler::other_member(const SchemaFacets& facets,
                                                   const std::vector<std::string>& names) {
  const std::vector<std::string> patterns = SchemaReader::member_patterns(facets);
  TRY_ASSIGN(std::optional<Automaton> allowed, allowed_names(facets));
  if (patterns.empty()) {
    TRY_ASSIGN(ExpressionPtr further, value(SchemaReader::other_member_parts(facets, nullptr)));
    if (is_nothing(*further)) return further;
    if (names.empty() && !allowed) {
      TRY_ASSIGN(ExpressionPtr name, shared(kAnyString));
      return pair(std::move(name), std::move(further));
    }
  }
  const auto determined = [&](const ExpressionPtr& expression) {
    return determinise(*expression, {}, reader_.budget());
  };
  if (!allowed) {
    TRY_ASSIGN(allowed, determined(repeat(json_plain_character(CharacterSet::all()), 0, kUnbounded)));
  }
  std::vector<ExpressionPtr> taken;
  for (const std::string& name : names) taken.push_back(text(json_plain_string(name)));
  TRY_ASSIGN(const Automaton named, determined(choice(std::move(taken))));
  TRY_ASSIGN(const Automaton free, subtract(*allowed, named, reader_.budget()));
  std::vector<ExpressionPtr> pairs;
  for (std::size_t i = 0; i <= patterns.size(); ++i) {
    Automaton matching = free;
    for (std::size_t k = 0; k < patterns.size(); ++k) {
      TRY_ASSIGN(const Automaton* pattern,
                 reader_.pattern_automaton(*facets.parts.front().schema, patterns[k]));
      TRY_ASSIGN(matching, k == i ? intersect(matching, *pattern, reader_.budget())
                                  : subtract(matching, *pattern, reader_.budget()));
    }
    const std::string* pattern = i < patterns.size() ? &patterns[i] : nullptr;
    TRY_ASSIGN(ExpressionPtr further, value(SchemaReader::other_member_parts(facets, pattern)));
    pairs.push_back(pair(json_quoted(embedded(std::move(matching))), std::move(further)));
  }
  return choice(std::move(pairs));
}

// Members in the order of the schema, then others. Node (i, n) of the graph: the first i named members are
// decided, n of them are written (further ones are not counted where nothing depends on it).
Result<ExpressionPtr> SchemaCompiler::object(const SchemaFacets& facets) {
  const std::vector<std::string> names = SchemaReader::member_names(facets);
  TRY_ASSIGN(const std::vector<Member> members, named_members(facets, names));
  TRY_ASSIGN(const ExpressionPtr other, other_member(facets, names));
  const auto count = std::ssize(members);
  const bool bounded = facets.max_members != kUnbounded;
  // The same name may be written twice, so of other members only one is sure to count.
  if (facets.min_members > count + 1)
    return document_.error(
        *facets.parts.front().schema,
        "\"minProperties\" is {}, more than the named properties and one other, which is not supported",
        facets.min_members);
  const std::int64_t most = bounded ? std::min<std::int64_t>(facets.max_members, count)
                                    : std::clamp<std::int64_t>(facets.min_members, 1, count + 1);
  const std::int64_t others = bounded ? std::max<std::int64_t>(facets.max_members, 1) : 1;
  const std::int64_t nodes = (count + 1) * (most + 1) + others + 2;
  if (nodes > kMostNodes)
    return document_.error(*facets.parts.front().schema,
                           "the object has too many states ({}); it bounds too many properties", nodes);
  const auto node = [&](std::int64_t i, std::int64_t n) {
    return static_cast<std::int32_t>(i * (most + 1) + n);
  };
  const auto other_node = [&](std::int64_t n) {
    return static_cast<std::int32_t>((count + 1) * (most + 1) + std::min(n, others));
  };
  const auto end = static_cast<std::int32_t>(nodes - 1);
  const auto after_comma = [](bool comma, const ExpressionPtr& part) {
    return comma ? sequence({json_comma(), part}) : part;
  };
  std::vector<Expression::Graph::Edge> edges;
  for (std::int64_t i = 0; i < count; ++i) {
    const Member& member = members[static_cast<std::size_t>(i)];
    for (std::int64_t n = 0; n <= std::min(i, most); ++n) {
      if (!member.required) edges.push_back({node(i, n), node(i + 1, n), nullptr});
      if (n == most && bounded) continue;
      edges.push_back({node(i, n), node(i + 1, std::min(n + 1, most)), after_comma(n > 0, member.pair)});
    }
  }
  for (std::int64_t n = 0; n <= most; ++n) {
    if (n >= facets.min_members) edges.push_back({node(count, n), end, nullptr});
    if (n + 1 >= facets.min_members && (!bounded || n < facets.max_members))
      edges.push_back({node(count, n), other_node(bounded ? n + 1 : 1), after_comma(n > 0, other)});
  }
  for (std::int64_t n = 1; n <= others; ++n) {
    edges.push_back({other_node(n), end, nullptr});
    if (!bounded || n < others) edges.push_back({other_node(n), other_node(n + 1), after_comma(true, other)});
  }
  return sequence({text("{"), graph({static_cast<std::int32_t>(nodes), std::move(edges)}), text("}")});
}

}  // namespace

Result<GrammarRules> compile_json_schema(const nlohmann::ordered_json& schema) {
  TRY_ASSIGN(const SchemaDocument document, SchemaDocument::index(schema));
  return SchemaCompiler(document).compile();
}

}  // namespace aloud
