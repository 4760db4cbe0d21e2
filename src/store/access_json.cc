// The fields of keys and usage, in the order of their tables.
#include "store/access_json.h"

namespace aloud {
namespace {

using nlohmann::ordered_json;

ordered_json or_null(const std::optional<std::int64_t>& limit) {
  return limit ? ordered_json(*limit) : ordered_json();
}

}  // namespace

ordered_json to_json(const ApiKey& key) {
  return {{"name", key.name},
          {"scopes", scopes_text(key.scopes)},
          {"requests_per_minute", or_null(key.requests_per_minute)},
          {"tokens_per_day", or_null(key.tokens_per_day)},
          {"created_ms", key.created_ms},
          {"last_used_ms", key.last_used_ms == 0 ? ordered_json() : ordered_json(key.last_used_ms)}};
}

ordered_json to_json(const Usage& usage) {
  return {{"requests", usage.requests},
          {"prompt_tokens", usage.prompt_tokens},
          {"cached_tokens", usage.cached_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"reasoning_tokens", usage.reasoning_tokens}};
}

}  // namespace aloud
