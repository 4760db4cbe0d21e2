// A tool call's arguments for the dialects that tell them as an object, not as text.
#pragma once

#include <string>
#include <utility>

#include "api/json_fields.h"

namespace aloud {

// {"raw": text} where the model wrote something else than an object.
inline Json arguments_object(const std::string& text) {
  auto parsed = parse_request(text.empty() ? "{}" : text);
  return parsed ? std::move(*parsed) : Json{{"raw", text}};
}

}  // namespace aloud
