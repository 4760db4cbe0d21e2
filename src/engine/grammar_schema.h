// JSON schemas (2020-12 and draft 7) to rules whose texts are JSON that is valid for them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "engine/grammar_rules.h"

namespace aloud {

Result<GrammarRules> compile_json_schema(const nlohmann::ordered_json& schema);

}  // namespace aloud
