// Whether two schemas have a value in common: oneOf is a choice only where its alternatives have none.
#pragma once

#include "base/result.h"
#include "engine/grammar_schema_reader.h"

namespace aloud {

// Of flattened parts. True: no value is valid for both. False: there is one, or it was not seen that there is
// none. What is seen: types, values of enum and const, bounds, lengths and patterns; required members, or the
// first items, that are disjoint themselves.
Result<bool> are_disjoint(SchemaReader& reader, const SchemaParts& a, const SchemaParts& b, int depth = 0);

}  // namespace aloud
