// The tests of the language: what may follow "is".
#include <algorithm>

#include "text/jinja_filters.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_text.h"
#include "text/jinja_unicode.h"

namespace aloud::jinja {
namespace {

template <Kind... kinds>
bool is_kind(Interpreter&, const Value& value, Arguments& arguments) {
  expect_none(arguments, "test");
  return ((value.kind == kinds) || ...);
}

bool is_defined(Interpreter&, const Value& value, Arguments& arguments) {
  expect_none(arguments, "the test");
  return !value.is_undefined();
}
bool is_true(Interpreter&, const Value& value, Arguments& arguments) {
  expect_none(arguments, "the test");
  return value.is(Kind::kBoolean) && value.boolean;
}
bool is_false(Interpreter&, const Value& value, Arguments& arguments) {
  expect_none(arguments, "the test");
  return value.is(Kind::kBoolean) && !value.boolean;
}
bool is_iterable_value(Interpreter&, const Value& value, Arguments& arguments) {
  expect_none(arguments, "the test");
  return is_iterable(value);
}
bool is_escaped(Interpreter&, const Value& value, Arguments& arguments) {
  expect_none(arguments, "the test");
  return value.is_string() && value.text->markup;
}

bool is_remainder(Interpreter& interpreter, const Value& value, const Value& divisor,
                  std::int64_t remainder) {
  const Value left = interpreter.binary(Operator::kModulo, value, divisor);
  return equals(interpreter.heap(), left, Value::of(remainder));
}
bool is_odd(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  expect_none(arguments, "the test");

  return is_remainder(interpreter, value, Value::of(std::int64_t{2}), 1);
}
bool is_even(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  expect_none(arguments, "the test");

  return is_remainder(interpreter, value, Value::of(std::int64_t{2}), 0);
}
bool is_divisible_by(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const auto [number] = bind(arguments, "divisibleby", {"num"}, 1);
  return is_remainder(interpreter, value, *number, 0);
}

bool is_lower(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  expect_none(arguments, "the test");

  return has_only_case(*to_text(interpreter.heap(), value), kLower, kUpper | kTitle);
}
bool is_upper(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  expect_none(arguments, "the test");

  return has_only_case(*to_text(interpreter.heap(), value), kUpper, kLower | kTitle);
}

bool is_same_as(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const auto [other] = bind(arguments, "sameas", {"other"}, 1);
  if (value.kind != other->kind) return false;
  if (value.is_number() || value.is_none() || value.is_string())
    return equals(interpreter.heap(), value, *other);
  return value.object == other->object;
}

bool is_filter(Interpreter&, const Value& value, Arguments& arguments) {
  expect_none(arguments, "the test");

  return value.is_string() && find_filter(value.text->bytes) != nullptr;
}
bool is_test(Interpreter&, const Value& value, Arguments& arguments) {
  expect_none(arguments, "the test");

  return value.is_string() && find_test(value.text->bytes) != nullptr;
}

bool is_in(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const auto [container] = bind(arguments, "in", {"seq"}, 1);
  return interpreter.contains(*container, value);
}

template <Operator operation>
bool is_compared(Interpreter& interpreter, const Value& value, Arguments& arguments) {
  const auto [other] = bind(arguments, "comparison", {"other"}, 1);
  return interpreter.compare(operation, value, *other);
}

constexpr Test kTests[] = {
    {"defined", is_defined},
    {"undefined", is_kind<Kind::kUndefined>},
    {"none", is_kind<Kind::kNone>},
    {"boolean", is_kind<Kind::kBoolean>},
    {"true", is_true},
    {"false", is_false},
    {"integer", is_kind<Kind::kInteger>},
    {"float", is_kind<Kind::kReal>},
    {"number", is_kind<Kind::kBoolean, Kind::kInteger, Kind::kReal>},
    {"string", is_kind<Kind::kString>},
    {"mapping", is_kind<Kind::kDict>},
    {"sequence",
     is_kind<Kind::kString, Kind::kList, Kind::kTuple, Kind::kDict, Kind::kRange, Kind::kUndefined>},
    {"iterable", is_iterable_value},
    {"callable",
     is_kind<Kind::kMacro, Kind::kMethod, Kind::kFunction, Kind::kLoop, Kind::kJoiner, Kind::kUndefined>},
    {"escaped", is_escaped},
    {"odd", is_odd},
    {"even", is_even},
    {"divisibleby", is_divisible_by},
    {"lower", is_lower},
    {"upper", is_upper},
    {"sameas", is_same_as},
    {"filter", is_filter},
    {"test", is_test},
    {"in", is_in},
    {"==", is_compared<Operator::kEqual>},
    {"eq", is_compared<Operator::kEqual>},
    {"equalto", is_compared<Operator::kEqual>},
    {"!=", is_compared<Operator::kNotEqual>},
    {"ne", is_compared<Operator::kNotEqual>},
    {"<", is_compared<Operator::kLess>},
    {"lt", is_compared<Operator::kLess>},
    {"lessthan", is_compared<Operator::kLess>},
    {"<=", is_compared<Operator::kLessEqual>},
    {"le", is_compared<Operator::kLessEqual>},
    {">", is_compared<Operator::kGreater>},
    {"gt", is_compared<Operator::kGreater>},
    {"greaterthan", is_compared<Operator::kGreater>},
    {">=", is_compared<Operator::kGreaterEqual>},
    {"ge", is_compared<Operator::kGreaterEqual>},
};

}  // namespace

const Test* find_test(std::string_view name) {
  const auto* found = std::ranges::find(kTests, name, &Test::name);
  return found == std::end(kTests) ? nullptr : found;
}

}  // namespace aloud::jinja
