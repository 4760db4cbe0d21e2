// aloud serve: models and conversations over HTTP, until a signal ends it.
#pragma once

#include <functional>
#include <vector>

#include "cli/serve_options.h"

namespace aloud {

// The models to offer, not loaded; as offered_models().
using OfferModels = std::function<Result<std::vector<OfferedModel>>(const ServeFlags& flags)>;

// The whole command with the models that offer() names. argv[0] is the command's name. Returns the exit code.
int serve(int argc, char** argv, const OfferModels& offer);

}  // namespace aloud
