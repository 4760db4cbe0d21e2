// GET /health, /ready, /metrics, /v1/state: for whoever watches the server.
#include "api/routes.h"
#include "api/services.h"

namespace aloud {
namespace {

// What its engine does now, and has done since it was loaded.
Json engine_json(const SchedulerStats& stats) {
  return {{"sequences",
           {{"waiting", stats.waiting}, {"reading", stats.reading}, {"generating", stats.generating}}},
          {"pages", {{"total", stats.pages_total}, {"used", stats.pages_used}, {"idle", stats.pages_idle}}},
          {"tokens",
           {{"prompt", stats.prompt_tokens},
            {"cached", stats.cached_tokens},
            {"generated", stats.generated_tokens}}}};
}

}  // namespace

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

void answer_state(const ApiCall& call) {
  Json models = Json::array();
  for (const ModelStatus& model : call.services.models.list()) {
    Json json = {{"id", model.name}, {"status", std::string(name(model.state))}};
    if (!model.error.empty()) json["error"] = model.error;
    if (model.served) json.update(engine_json(model.served->scheduler().stats()));
    models.push_back(std::move(json));
  }
  call.send({{"object", "state"},
             {"version", call.services.version},
             {"is_draining", call.services.is_draining.load()},
             {"models", std::move(models)}});
}

}  // namespace aloud
