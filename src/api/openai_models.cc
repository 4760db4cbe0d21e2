// GET /v1/models: what can be asked for.
#include "api/routes.h"
#include "api/services.h"

namespace aloud {
namespace {

Json model_json(const ModelStatus& model) {
  Json json = {{"id", model.name},
               {"object", "model"},
               {"created", model.created_seconds},
               {"owned_by", "aloud"},
               {"status", std::string(name(model.state))},
               {"size_bytes", model.file_bytes}};
  if (model.served) {
    json["max_model_len"] = model.served->loaded().context();
    json["parameters"] = model.served->loaded().model().shape().parameters;
  }
  if (!model.error.empty()) json["error"] = model.error;
  return json;
}

}  // namespace

void answer_openai_models(const ApiCall& call) {
  Json list = Json::array();
  for (const ModelStatus& model : call.services.models.list()) list.push_back(model_json(model));
  call.send({{"object", "list"}, {"data", std::move(list)}});
}

void answer_openai_model(const ApiCall& call) {
  const auto model = call.services.models.status(call.request->parameters.front());
  if (!model) return call.send(model.error());
  call.send(model_json(*model));
}

}  // namespace aloud
