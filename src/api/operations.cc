// GET /health, /ready, /metrics: for whoever watches the server.
#include "api/routes.h"
#include "api/services.h"

namespace aloud {

void answer_health(const ApiCall& call) { call.send({{"status", "ok"}, {"version", call.services.version}}); }

void answer_ready(const ApiCall& call) {
  RequestError error{RequestErrorKind::kCapacity, {}, {}, "not_ready", 1};
  if (call.services.is_draining) {
    error.message = "the server is shutting down";
    return call.send(error);
  }
  Json models = Json::object();
  for (const ModelStatus& model : call.services.models.list()) {
    models[model.name] = std::string(name(model.state));
    const bool is_default = model.name == call.services.models.default_name();
    if (is_default && model.state != LoadState::kLoaded) {
      error.message = fmt::format("the model {} is {}", model.name, name(model.state));
    } else if (model.served && model.served->is_stuck()) {
      error.message = fmt::format("the engine of {} does not answer", model.name);
    }
  }
  if (!error.message.empty()) return call.send(error);
  call.send({{"status", "ready"}, {"models", std::move(models)}});
}

void answer_metrics(const ApiCall& call) {
  call.reply->send(200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
                   call.services.metrics.text(call.services.models.list()));
}

}  // namespace aloud
