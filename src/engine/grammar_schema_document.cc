// Walks a schema once to find its places and anchors.
#include "engine/grammar_schema_document.h"

#include <algorithm>
#include <vector>

#include "base/printable.h"

namespace aloud {

namespace {

constexpr int kDeepestSchema = 64;
constexpr int kDeepestValue = 256;
constexpr std::size_t kMostValues = 100'000;

// Keywords below which schemas lie.
bool holds_schemas(std::string_view keyword) {
  constexpr std::string_view kKeywords[] = {"properties",
                                            "patternProperties",
                                            "additionalProperties",
                                            "propertyNames",
                                            "items",
                                            "prefixItems",
                                            "additionalItems",
                                            "contains",
                                            "anyOf",
                                            "oneOf",
                                            "allOf",
                                            "not",
                                            "unevaluatedItems"};
  return std::ranges::find(kKeywords, keyword) != std::end(kKeywords);
}

std::string escaped(std::string token) {
  for (std::size_t at = 0; (at = token.find_first_of("~/", at)) != std::string::npos; at += 2)
    token.replace(at, 1, token[at] == '~' ? "~0" : "~1");
  return token;
}

// %41 is A, ~0 is ~, ~1 is /.
std::string unescaped(std::string_view token) {
  std::string result;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const std::string_view next = token.substr(i + 1, 2);
    if (token[i] == '%' && next.size() == 2 &&
        next.find_first_not_of("0123456789ABCDEFabcdef") == std::string_view::npos) {
      result.push_back(static_cast<char>(std::stoi(std::string(next), nullptr, 16)));
      i += 2;
    } else if (token[i] == '~' && (next.starts_with('0') || next.starts_with('1'))) {
      result.push_back(next[0] == '0' ? '~' : '/');
      ++i;
    } else {
      result.push_back(token[i]);
    }
  }
  return result;
}

}  // namespace

Result<SchemaDocument> SchemaDocument::index(const SchemaJson& root) {
  SchemaDocument document;
  document.root_ = &root;
  document.places_[&root] = {nullptr, ""};
  TRY(document.add(root, 0, 0));
  return document;
}

Status SchemaDocument::add(const SchemaJson& value, int depth, int schemas) {
  if (schemas > kDeepestSchema)
    return error(value, "schemas lie more than {} deep in each other", kDeepestSchema);
  if (depth > kDeepestValue) return error(value, "values lie more than {} deep in each other", kDeepestValue);
  if (places_.size() > kMostValues) return error(value, "the schema has more than {} values", kMostValues);
  if (!value.is_structured()) return {};
  for (auto part = value.begin(); part != value.end(); ++part) {
    const std::string token = value.is_object() ? part.key() : std::to_string(part - value.begin());
    places_[&*part] = {&value, token};
    if ((token == "$anchor" || token == "$id") && part->is_string() && value.is_object()) {
      const auto& name = part->get_ref<const std::string&>();
      if (token == "$anchor")
        anchors_.emplace(fmt::format("#{}", name), &value);
      else if (!name.empty())
        anchors_.emplace(name, &value);
    }
    TRY(add(*part, depth + 1, schemas + (value.is_object() && holds_schemas(token) ? 1 : 0)));
  }
  return {};
}

std::string SchemaDocument::pointer(const SchemaJson& part) const {
  std::vector<const Place*> path;
  for (auto at = places_.find(&part); at != places_.end() && at->second.parent != nullptr;
       at = places_.find(at->second.parent))
    path.push_back(&at->second);
  std::string result = "#";
  for (; !path.empty(); path.pop_back()) result.append("/").append(escaped(path.back()->token));
  return printable(result);
}

const SchemaJson* SchemaDocument::find(std::string_view pointer) const {
  const SchemaJson* at = root_;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::string token = unescaped(pointer.substr(0, pointer.find('/')));
    pointer.remove_prefix(std::min(pointer.size(), pointer.find('/')));
    if (at->is_object()) {
      const auto found = at->find(token);
      if (found == at->end()) return nullptr;
      at = &*found;
    } else if (at->is_array()) {
      const bool number =
          !token.empty() && token.size() < 8 && token.find_first_not_of("0123456789") == std::string::npos;
      if (!number || std::stoul(token) >= at->size()) return nullptr;
      at = &(*at)[std::stoul(token)];
    } else {
      return nullptr;
    }
  }
  return at;
}

Result<const SchemaJson*> SchemaDocument::referred(const SchemaJson& schema) const {
  const SchemaJson& value = schema["$ref"];
  if (!value.is_string()) return error(schema, "\"$ref\" must be a string");
  std::string reference = value.get<std::string>();
  // The document may call itself by its own name.
  if (root_->is_object() && root_->contains("$id") && (*root_)["$id"].is_string()) {
    const auto& own = (*root_)["$id"].get_ref<const std::string&>();
    if (!own.empty() && reference == own) reference.push_back('#');
    if (!own.empty() && reference.starts_with(own) && reference[own.size()] == '#')
      reference.erase(0, own.size());
  }
  const SchemaJson* found = nullptr;
  if (reference == "#" || reference.starts_with("#/")) {
    found = find(std::string_view(reference).substr(1));
  } else if (const auto anchor = anchors_.find(reference); anchor != anchors_.end()) {
    found = anchor->second;
  }
  if (found == nullptr)
    return error(schema, "\"$ref\" is {}, which is no place in this schema", printable(value.dump()));
  return found;
}

}  // namespace aloud
