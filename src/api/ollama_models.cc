// GET /api/tags, /api/ps, /api/version and POST /api/show: what Ollama's clients ask about models.
// Source: Ollama's published API.
#include <map>
#include <utility>

#include "api/ollama_name.h"
#include "api/routes.h"
#include "api/services.h"
#include "base/clock.h"

namespace aloud {
namespace {

// The type that holds most of the weights.
std::string_view main_type(const GgufFile& file) {
  std::map<std::string_view, std::size_t> bytes;
  std::string_view most;
  for (const Tensor& tensor : file.tensors()) {
    const std::string_view type = info(tensor.type).name;
    bytes[type] += tensor.bytes.size();
    if (bytes[type] > bytes[most]) most = type;
  }
  return most;
}

std::string size_text(std::int64_t parameters) {
  const double count = static_cast<double>(parameters);
  return parameters < 1'000'000'000 ? fmt::format("{:.2f}M", count / 1e6)
                                    : fmt::format("{:.1f}B", count / 1e9);
}

// What is known of a model only once it is in memory stays empty before.
Json details_json(const ModelStatus& model) {
  Json details = {{"parent_model", ""},  {"format", "gguf"},     {"family", ""},
                  {"families", nullptr}, {"parameter_size", ""}, {"quantization_level", ""}};
  if (!model.served) return details;
  const LoadedModel& loaded = model.served->loaded();
  const ModelShape& shape = loaded.model().shape();
  details["family"] = shape.architecture;
  details["families"] = Json::array({shape.architecture});
  details["parameter_size"] = size_text(shape.parameters);
  details["quantization_level"] = std::string(main_type(loaded.file()));
  return details;
}

Json tag_json(const ModelStatus& model) {
  // The model inside the program has no file whose size could be known before.
  const auto bytes =
      model.served ? static_cast<std::int64_t>(model.served->loaded().file().bytes()) : model.file_bytes;
  return {{"name", model.name}, {"model", model.name}, {"modified_at", utc_text(model.created_seconds) + "Z"},
          {"size", bytes},      {"digest", ""},        {"details", details_json(model)}};
}

Json show_json(const ModelStatus& model) {
  Json json = {{"modelfile", ""},
               {"parameters", ""},
               {"template", ""},
               {"details", details_json(model)},
               {"model_info", Json::object()},
               {"capabilities", {"completion", "thinking", "tools"}},
               {"modified_at", utc_text(model.created_seconds) + "Z"}};
  if (!model.served) return json;
  const LoadedModel& loaded = model.served->loaded();
  const ModelShape& shape = loaded.model().shape();
  json["template"] = loaded.chat_template();
  json["model_info"] = {{"general.architecture", shape.architecture},
                        {"general.parameter_count", shape.parameters},
                        {shape.architecture + ".context_length", loaded.context()},
                        {shape.architecture + ".embedding_length", shape.hidden},
                        {shape.architecture + ".block_count", shape.layers}};
  return json;
}

}  // namespace

void answer_ollama_tags(const ApiCall& call) {
  Json list = Json::array();
  for (const ModelStatus& model : call.services.models.list()) list.push_back(tag_json(model));
  call.send({{"models", std::move(list)}});
}

void answer_ollama_running(const ApiCall& call) {
  Json list = Json::array();
  for (const ModelStatus& model : call.services.models.list()) {
    if (!model.served) continue;
    Json json = tag_json(model);
    json["size_vram"] = 0;
    json["context_length"] = model.served->loaded().context();
    list.push_back(std::move(json));
  }
  call.send({{"models", std::move(list)}});
}

void answer_ollama_version(const ApiCall& call) { call.send({{"version", call.services.version}}); }

void answer_ollama_show(const ApiCall& call) {
  auto json = parse_request(call.request->body);
  if (!json) return call.send(json.error());
  JsonFields fields(*json);
  // Older clients say name.
  std::string name = fields.has("model") ? fields.required_string("model") : fields.required_string("name");
  if (fields.error()) return call.send(*fields.error());
  name = without_latest(call.services.models, std::move(name));
  const auto model = call.services.models.status(name);
  if (!model) return call.send(model.error());
  call.send(show_json(*model));
}

}  // namespace aloud
