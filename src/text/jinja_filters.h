// The filters and tests of the language, found by name.
#pragma once

#include <string_view>

#include "text/jinja_value.h"

namespace aloud::jinja {

struct Filter {
  std::string_view name;
  Value (*apply)(Interpreter& interpreter, const Value& input, Arguments& arguments);
};

struct Test {
  std::string_view name;
  bool (*check)(Interpreter& interpreter, const Value& input, Arguments& arguments);
};

// Null when there is none.
const Filter* find_filter(std::string_view name);
const Test* find_test(std::string_view name);

Value apply_wordwrap(Interpreter& interpreter, const Value& input, Arguments& arguments);

// The tables behind find_filter(), one per file.
std::span<const Filter> sequence_filters();
std::span<const Filter> text_filters();
std::span<const Filter> value_filters();

}  // namespace aloud::jinja
