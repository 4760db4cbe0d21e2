// Reads the fields of a JSON object in a request; the first that is wrong is remembered with its place.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "service/request_error.h"

namespace aloud {

using Json = nlohmann::ordered_json;

// Deepest nesting that a request may have.
inline constexpr int kMaxJsonDepth = 64;

// Errors: not JSON (with the place), nested too deeply, not an object.
RequestResult<Json> parse_request(std::string_view body);

// One line of JSON; malformed UTF-8 becomes U+FFFD.
std::string to_text(const Json& json);

// A view of one object; fields that are missing or null are absent. After the first error every reader gives
// what stands for absent, so that a parser reads straight on and looks at error() once, at its end. The
// readers of inner objects share their parent's error. The JSON must outlive it.
class JsonFields {
 public:
  explicit JsonFields(const Json& object) : object_(&object), error_(&own_error_) {}
  JsonFields(const JsonFields&) = delete;
  JsonFields& operator=(const JsonFields&) = delete;

  bool has(std::string_view name) const { return find(name) != nullptr; }
  const Json* find(std::string_view name) const;  // nullptr: absent

  std::optional<std::string> string(std::string_view name);
  std::string required_string(std::string_view name);
  std::optional<bool> boolean(std::string_view name);
  // Whole numbers may be written as 5.0.
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t low,
                                      std::int64_t high = std::numeric_limits<std::int64_t>::max());
  std::optional<double> number(std::string_view name, double low, double high);
  // One of the names, else an error that lists them.
  std::optional<std::string> choice(std::string_view name, const std::vector<std::string_view>& names);
  const Json* object(std::string_view name);
  const Json* required_object(std::string_view name);
  const Json* array(std::string_view name);

  // The fields of an object inside this one: found by object(name), or element i of array(name).
  JsonFields inner(std::string_view name, const Json& object);
  JsonFields inner(std::string_view name, std::size_t index, const Json& element);

  std::string path_of(std::string_view name) const;  // "tools[0].function.name"
  void set_error(std::string_view name, std::string message, std::string code = {});
  const std::optional<RequestError>& error() const { return *error_; }

 private:
  JsonFields(const Json& object, std::string path, std::optional<RequestError>* error)
      : object_(&object), path_(std::move(path)), error_(error) {}
  const Json* find_of_type(std::string_view name, bool (Json::*is_type)() const noexcept, const char* type);

  const Json* object_;
  std::string path_;  // of the object, with a dot at its end, or empty
  std::optional<RequestError> own_error_;
  std::optional<RequestError>* error_;
};

}  // namespace aloud
