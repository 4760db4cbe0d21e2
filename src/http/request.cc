// Looking up fields of a request by name.
#include "http/request.h"

#include "http/text.h"

namespace aloud {
std::string_view find_header(const HttpHeaders& headers, std::string_view name) {
  for (const HttpField& field : headers) {
    if (equal_ignoring_case(field.name, name)) return field.value;
  }
  return {};
}

std::optional<std::string> HttpRequest::query(std::string_view name) const {
  for (const HttpField& field : query_fields) {
    if (field.name == name) return field.value;
  }
  return std::nullopt;
}

}  // namespace aloud
