// Looks for a reason why no value can be valid for two schemas.
#include "engine/grammar_schema_overlap.h"

#include <algorithm>

namespace aloud {

namespace {

using Json = SchemaJson;

constexpr int kDeepestComparison = 8;

class Comparison {
 public:
  Comparison(SchemaReader& reader, const SchemaFacets& a, const SchemaFacets& b, int depth)
      : reader_(reader), a_(a), b_(b), depth_(depth) {}

  Result<bool> disjoint() {
    if (a_.values || b_.values) return no_common_value(a_.values ? a_ : b_, a_.values ? b_ : a_);
    const JsonTypes both = a_.types & b_.types;
    if (both & (kNullType | kBooleanType)) return false;
    if ((both & kNumberType) && !numbers_disjoint()) return false;
    if (both & kStringType) {
      TRY_ASSIGN(const bool strings, strings_disjoint());
      if (!strings) return false;
    }
    if (both & kArrayType) {
      TRY_ASSIGN(const bool arrays, arrays_disjoint());
      if (!arrays) return false;
    }
    if (both & kObjectType) {
      TRY_ASSIGN(const bool objects, objects_disjoint());
      if (!objects) return false;
    }
    return true;
  }

 private:
  Result<bool> no_common_value(const SchemaFacets& listed, const SchemaFacets& other) {
    for (const Json& value : *listed.values) {
      const bool in_other = !other.values || std::ranges::find(*other.values, value) != other.values->end();
      if (!in_other || !listed.has_type(value) || !other.has_type(value)) continue;
      // Of arrays and objects no more is known.
      if (value.is_structured()) return false;
      TRY_ASSIGN(const bool first, reader_.admits(listed, value));
      TRY_ASSIGN(const bool second, reader_.admits(other, value));
      if (first && second) return false;
    }
    return true;
  }

  static bool ends_before(const NumberLimits& low, const NumberLimits& high) {
    if (!low.upper || !high.lower) return false;
    return low.upper->value < high.lower->value ||
           (low.upper->value == high.lower->value && (low.upper->exclusive || high.lower->exclusive));
  }
  bool numbers_disjoint() const {
    return ends_before(a_.numbers, b_.numbers) || ends_before(b_.numbers, a_.numbers);
  }

  Result<bool> strings_disjoint() {
    TRY_ASSIGN(const Automaton first, reader_.string_automaton(a_));
    TRY_ASSIGN(const Automaton second, reader_.string_automaton(b_));
    TRY_ASSIGN(const Automaton both, intersect(first, second, reader_.budget()));
    return both.accepts_nothing();
  }

  Result<bool> arrays_disjoint() {
    const auto fits = [](std::int64_t least, std::int64_t most) {
      return most == kUnbounded || least <= most;
    };
    if (!fits(a_.min_items, b_.max_items) || !fits(b_.min_items, a_.max_items)) return true;
    const auto common = static_cast<std::size_t>(std::max(a_.min_items, b_.min_items));
    const std::size_t prefix = std::max(SchemaReader::prefix_length(a_), SchemaReader::prefix_length(b_));
    for (std::size_t i = 0; i < std::min(common, prefix + 1); ++i) {
      TRY_ASSIGN(const bool apart,
                 parts_disjoint(SchemaReader::item_parts(a_, i), SchemaReader::item_parts(b_, i)));
      if (apart) return true;
    }
    return false;
  }

  // A member that one of them demands and that cannot be right for both.
  Result<bool> objects_disjoint() {
    std::vector<std::string> names = a_.required;
    names.insert(names.end(), b_.required.begin(), b_.required.end());
    for (const std::string& name : names) {
      TRY_ASSIGN(const SchemaParts in_a, reader_.member_parts(a_, name));
      TRY_ASSIGN(const SchemaParts in_b, reader_.member_parts(b_, name));
      TRY_ASSIGN(const bool apart, parts_disjoint(in_a, in_b));
      if (apart) return true;
    }
    return false;
  }

  Result<bool> parts_disjoint(const SchemaParts& a, const SchemaParts& b) {
    TRY_ASSIGN(const SchemaParts flat_a, reader_.flatten(a));
    TRY_ASSIGN(const SchemaParts flat_b, reader_.flatten(b));
    return are_disjoint(reader_, flat_a, flat_b, depth_ + 1);
  }

  SchemaReader& reader_;
  const SchemaFacets& a_;
  const SchemaFacets& b_;
  const int depth_;
};

// Whether each alternative of a is disjoint from b.
Result<bool> alternatives_disjoint(SchemaReader& reader, const SchemaFacets& a, const SchemaParts& b,
                                   int depth) {
  for (const Json& alternative : *a.alternatives->list) {
    SchemaParts chosen = a.with_alternative(alternative);
    TRY_ASSIGN(const SchemaParts flat, reader.flatten(chosen));
    TRY_ASSIGN(const bool apart, are_disjoint(reader, flat, b, depth + 1));
    if (!apart) return false;
  }
  return true;
}

}  // namespace

Result<bool> are_disjoint(SchemaReader& reader, const SchemaParts& a, const SchemaParts& b, int depth) {
  if (depth > kDeepestComparison) return false;
  TRY(reader.budget().spend(16));
  TRY_ASSIGN(const std::optional<SchemaFacets> first, reader.facets(a));
  TRY_ASSIGN(const std::optional<SchemaFacets> second, reader.facets(b));
  if (!first || !second) return true;
  TRY_ASSIGN(const bool apart, Comparison(reader, *first, *second, depth).disjoint());
  if (apart) return true;
  if (first->alternatives) return alternatives_disjoint(reader, *first, b, depth);
  if (second->alternatives) return alternatives_disjoint(reader, *second, a, depth);
  return false;
}

}  // namespace aloud
