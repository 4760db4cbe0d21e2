// The names of models as Ollama's clients say them.
#pragma once

#include <string>

#include "service/model_registry.h"

namespace aloud {

// Without the tag ":latest", which Ollama's clients add to names that have none; empty is the default model.
inline std::string without_latest(const ModelRegistry& models, std::string name) {
  constexpr std::string_view kLatest = ":latest";
  if (name.ends_with(kLatest) && !models.offers(name)) name.resize(name.size() - kLatest.size());
  return name;
}

}  // namespace aloud
