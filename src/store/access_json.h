// Keys and usage as the API and the commands tell them; never a secret or its hash.
#pragma once

#include <nlohmann/json.hpp>

#include "store/access.h"

namespace aloud {

// Without a limit, and never used, is null.
nlohmann::ordered_json to_json(const ApiKey& key);
nlohmann::ordered_json to_json(const Usage& usage);

}  // namespace aloud
