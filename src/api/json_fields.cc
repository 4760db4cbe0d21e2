// Parses with a bound on nesting and names fields by their path.
#include "api/json_fields.h"

#include <cmath>

#include "base/printable.h"

namespace aloud {
namespace {

constexpr std::size_t kMostShown = 60;  // characters of a value in a message

std::string shown(const Json& value) {
  std::string text = value.is_object() ? "an object" : value.is_array() ? "an array" : to_text(value);
  if (text.size() > kMostShown) text = text.substr(0, kMostShown) + "...";
  return printable(text);
}

// nlohmann's messages begin with "[json.exception.parse_error.101] ".
std::string without_prefix(std::string_view what) {
  const std::size_t end = what.find("] ");
  return std::string(end == std::string_view::npos ? what : what.substr(end + 2));
}

}  // namespace

RequestResult<Json> parse_request(std::string_view body) {
  bool too_deep = false;
  // depth: how many objects and arrays are open around what the event tells.
  const auto bound_depth = [&](int depth, Json::parse_event_t event, Json&) {
    using enum Json::parse_event_t;
    if ((event == object_start || event == array_start) && depth >= kMaxJsonDepth) too_deep = true;
    return !too_deep;
  };
  try {
    Json json = Json::parse(body, bound_depth);
    if (too_deep) {
      return refuse(RequestErrorKind::kInvalid, "the body is nested more than {} levels deep", kMaxJsonDepth);
    }
    if (!json.is_object()) {
      return refuse(RequestErrorKind::kInvalid, "the body is {}, expected a JSON object", shown(json));
    }
    return json;
  } catch (const Json::exception& error) {
    return refuse(RequestErrorKind::kInvalid, "the body is not JSON: {}",
                  printable(without_prefix(error.what())));
  }
}

std::string to_text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

const Json* JsonFields::find(std::string_view name) const {
  if (!object_->is_object()) return nullptr;
  const auto at = object_->find(std::string(name));
  return at == object_->end() || at->is_null() ? nullptr : &*at;
}

std::string JsonFields::path_of(std::string_view name) const { return path_ + std::string(name); }

void JsonFields::set_error(std::string_view name, std::string message, std::string code) {
  if (*error_) return;
  *error_ = RequestError{.kind = RequestErrorKind::kInvalid,
                         .message = path_of(name) + ": " + std::move(message),
                         .param = path_of(name),
                         .code = std::move(code)};
}

const Json* JsonFields::find_of_type(std::string_view name, bool (Json::*is_type)() const noexcept,
                                     const char* type) {
  const Json* value = find(name);
  if (value == nullptr || (value->*is_type)()) return value;
  set_error(name, fmt::format("{} is not {}", shown(*value), type));
  return nullptr;
}

std::optional<std::string> JsonFields::string(std::string_view name) {
  const Json* value = find_of_type(name, &Json::is_string, "a string");
  if (value == nullptr) return {};
  return value->get<std::string>();
}

std::string JsonFields::required_string(std::string_view name) {
  if (!has(name)) set_error(name, "missing, expected a string");
  return string(name).value_or("");
}

std::optional<bool> JsonFields::boolean(std::string_view name) {
  const Json* value = find_of_type(name, &Json::is_boolean, "true or false");
  if (value == nullptr) return {};
  return value->get<bool>();
}

std::optional<std::int64_t> JsonFields::integer(std::string_view name, std::int64_t low, std::int64_t high) {
  const Json* value = find_of_type(name, &Json::is_number, "a whole number");
  if (value == nullptr) return {};
  const double wide = value->get<double>();
  // Beyond 2^53 a double is no whole number to rely on, and unsigned values past 2^63 are no int64.
  const bool is_exact = value->is_number_integer() && (!value->is_number_unsigned() || wide < 0x1p63);
  if (!is_exact && (std::abs(wide) > 0x1p53 || wide != std::trunc(wide))) {
    set_error(name, fmt::format("{} is not a whole number from {} to {}", shown(*value), low, high));
    return {};
  }
  const std::int64_t whole = is_exact ? value->get<std::int64_t>() : static_cast<std::int64_t>(wide);
  if (whole >= low && whole <= high) return whole;
  if (high == std::numeric_limits<std::int64_t>::max()) {
    set_error(name, fmt::format("{} is less than {}", whole, low));
  } else {
    set_error(name, fmt::format("{} is not between {} and {}", whole, low, high));
  }
  return {};
}

std::optional<double> JsonFields::number(std::string_view name, double low, double high) {
  const Json* value = find_of_type(name, &Json::is_number, "a number");
  if (value == nullptr) return {};
  const double found = value->get<double>();
  if (found >= low && found <= high) return found;
  set_error(name, fmt::format("{} is not between {} and {}", shown(*value), low, high));
  return {};
}

std::optional<std::string> JsonFields::choice(std::string_view name,
                                              const std::vector<std::string_view>& names) {
  std::optional<std::string> found = string(name);
  if (!found) return {};
  for (const std::string_view known : names) {
    if (*found == known) return found;
  }
  set_error(name, fmt::format("{} is not one of {}", shown(*find(name)), fmt::join(names, ", ")));
  return {};
}

const Json* JsonFields::object(std::string_view name) {
  return find_of_type(name, &Json::is_object, "an object");
}
const Json* JsonFields::required_object(std::string_view name) {
  if (!has(name)) set_error(name, "missing, expected an object");
  return object(name);
}
const Json* JsonFields::array(std::string_view name) {
  return find_of_type(name, &Json::is_array, "an array");
}

JsonFields JsonFields::inner(std::string_view name, const Json& object) {
  if (!object.is_object()) set_error(name, fmt::format("{} is not an object", shown(object)));
  return JsonFields(object, path_of(name) + ".", error_);
}

JsonFields JsonFields::inner(std::string_view name, std::size_t index, const Json& element) {
  return inner(fmt::format("{}[{}]", name, index), element);
}

}  // namespace aloud
