// The interpreter: expressions.
#include <algorithm>

#include "text/jinja_filters.h"
#include "text/jinja_interpreter.h"

namespace aloud::jinja {

Value Interpreter::evaluate(const Expression& expression) {
  const Deeper deeper(heap_);
  heap_.charge(1);
  switch (expression.kind) {
    case ExpressionKind::kConstant:
      return expression.value;
    case ExpressionKind::kVariable:
      return evaluate_variable(expression);
    case ExpressionKind::kList:
    case ExpressionKind::kTuple:
      return evaluate_list(expression);
    case ExpressionKind::kDict:
      return evaluate_dict(expression);
    case ExpressionKind::kAttribute:
      return get_attribute(evaluate(*expression.operands[0]), expression.value);
    case ExpressionKind::kItem: {
      const Value owner = evaluate(*expression.operands[0]);
      return get_item(owner, evaluate(*expression.operands[1]));
    }
    case ExpressionKind::kSlice:
      return evaluate_slice(expression);
    case ExpressionKind::kCall:
      return evaluate_call(expression);
    case ExpressionKind::kFilter:
      return evaluate_filter(expression);
    case ExpressionKind::kTest:
      return evaluate_test(expression);
    case ExpressionKind::kNot:
    case ExpressionKind::kNegative:
    case ExpressionKind::kPositive:
      return evaluate_unary(expression);
    case ExpressionKind::kBinary: {
      const Value left = evaluate(*expression.operands[0]);
      return binary(expression.operators[0], left, evaluate(*expression.operands[1]));
    }
    case ExpressionKind::kCompare:
      return evaluate_compare(expression);
    case ExpressionKind::kConcatenate:
      return evaluate_concatenate(expression);
    case ExpressionKind::kAnd: {
      const Value left = evaluate(*expression.operands[0]);
      return truth(left) ? evaluate(*expression.operands[1]) : left;
    }
    case ExpressionKind::kOr: {
      const Value left = evaluate(*expression.operands[0]);
      return truth(left) ? left : evaluate(*expression.operands[1]);
    }
    case ExpressionKind::kConditional:
      return evaluate_conditional(expression);
  }
  return Value::undefined();
}

Value Interpreter::evaluate_variable(const Expression& expression) {
  const Value* value = find_variable(expression.symbol);
  if (value != nullptr && !(value->is_undefined() && value->absence == nullptr)) return *value;
  Absence* absence = heap_.make<Absence>();
  absence->key = expression.value;
  return Value::undefined(absence);
}

Value Interpreter::evaluate_list(const Expression& expression) {
  std::vector<Value> items;
  items.reserve(expression.operands.size());
  for (const Expression* operand : expression.operands) items.push_back(evaluate(*operand));
  return expression.kind == ExpressionKind::kList ? new_list(heap_, items) : new_tuple(heap_, items);
}

Value Interpreter::evaluate_dict(const Expression& expression) {
  std::vector<DictEntry> entries;
  for (std::size_t i = 0; i < expression.operands.size(); i += 2) {
    const Value key = evaluate(*expression.operands[i]);
    entries.push_back({key, evaluate(*expression.operands[i + 1])});
  }
  return new_dict(heap_, entries);
}

Value Interpreter::evaluate_unary(const Expression& expression) {
  const Value operand = evaluate(*expression.operands[0]);
  if (expression.kind == ExpressionKind::kNot) return Value::of(!truth(operand));
  const bool negates = expression.kind == ExpressionKind::kNegative;
  if (operand.is_undefined()) raise_undefined(operand);
  if (operand.is(Kind::kReal)) return negates ? Value::of(-operand.real) : operand;
  if (!operand.is_integral()) {
    raise_error("bad operand type for unary {}: '{}'", negates ? '-' : '+', type_name(operand));
  }
  std::int64_t result = operand.as_integer();
  if (negates && __builtin_sub_overflow(std::int64_t{0}, result, &result)) {
    raise_error("an integer does not fit into 64 bits");
  }
  return Value::of(result);
}

bool Interpreter::compare(Operator operation, const Value& left, const Value& right) {
  switch (operation) {
    case Operator::kEqual:
      return equals(heap_, left, right);
    case Operator::kNotEqual:
      return !equals(heap_, left, right);
    case Operator::kLess:
      return less(heap_, left, right, "<");
    case Operator::kGreater:
      return less(heap_, right, left, ">");
    case Operator::kLessEqual:
    case Operator::kGreaterEqual: {
      const bool is_less = operation == Operator::kLessEqual;
      const std::string_view name = is_less ? "<=" : ">=";
      const Value &low = is_less ? left : right, &high = is_less ? right : left;
      // With NaN both orders are false, and so is "or equal".
      return less(heap_, low, high, name) || equals(heap_, low, high);
    }
    case Operator::kIn:
      return contains(right, left);
    case Operator::kNotIn:
      return !contains(right, left);
    default:
      return false;
  }
}

Value Interpreter::evaluate_compare(const Expression& expression) {
  Value left = evaluate(*expression.operands[0]);
  for (std::size_t i = 0; i < expression.operators.size(); ++i) {
    const Value right = evaluate(*expression.operands[i + 1]);
    if (!compare(expression.operators[i], left, right)) return Value::of(false);
    left = right;
  }
  return Value::of(true);
}

Value Interpreter::evaluate_concatenate(const Expression& expression) {
  std::vector<Value> operands;
  for (const Expression* operand : expression.operands) operands.push_back(evaluate(*operand));
  TextBuilder out(heap_);
  for (const Value& operand : operands) append_str(out, heap_, operand);
  return Value::of(out.finish());
}

Value Interpreter::evaluate_conditional(const Expression& expression) {
  if (truth(evaluate(*expression.operands[0]))) return evaluate(*expression.operands[1]);
  if (expression.operands[2] != nullptr) return evaluate(*expression.operands[2]);
  return make_absence("the inline if-expression evaluated to false and no else section was defined.");
}

Arguments Interpreter::evaluate_arguments(const CallArguments& syntax, std::vector<Value>& positional,
                                          std::vector<NamedValue>& named) {
  for (const Expression* argument : syntax.positional) positional.push_back(evaluate(*argument));
  if (syntax.star != nullptr) {
    const Value star = evaluate(*syntax.star);
    const std::span<const Value> items = iterate(star);
    heap_.charge(static_cast<std::int64_t>(items.size()));
    positional.insert(positional.end(), items.begin(), items.end());
  }
  for (const NamedExpression& argument : syntax.named)
    named.push_back({argument.name, evaluate(*argument.expression)});
  if (syntax.double_star != nullptr) {
    const Value mapping = evaluate(*syntax.double_star);
    if (!mapping.is(Kind::kDict))
      raise_error("argument after ** must be a mapping, not {}", type_name(mapping));
    for (const DictEntry& entry : mapping.dict->entries) {
      heap_.charge(1 + static_cast<std::int64_t>(named.size()));
      if (!entry.key.is_string()) raise_error("keywords must be strings");
      if (std::ranges::find(named, entry.key.text->bytes, &NamedValue::name) != named.end()) {
        raise_error("got multiple values for a keyword argument");
      }
      named.push_back({entry.key.text->bytes, entry.value});
    }
  }
  return {positional, named};
}

Value Interpreter::evaluate_call(const Expression& expression, const Value* caller) {
  const Value callee = evaluate(*expression.operands[0]);
  std::vector<Value> positional;
  std::vector<NamedValue> named;
  Arguments arguments = evaluate_arguments(*expression.arguments, positional, named);
  if (caller != nullptr) {
    named.push_back({"caller", *caller});
    arguments.named = named;
  }
  return call(callee, arguments);
}

Value Interpreter::call(const Value& callee, Arguments& arguments) {
  switch (callee.kind) {
    case Kind::kMacro:
      return call_macro(*callee.macro, arguments);
    case Kind::kMethod:
      return callee.method->call(*this, callee.method->self, arguments);
    case Kind::kFunction:
      return callee.function->call(*this, arguments);
    case Kind::kJoiner:
      if (callee.joiner->used) return callee.joiner->separator;
      callee.joiner->used = true;
      return new_string(heap_, "");
    case Kind::kLoop: {
      if (!callee.loop->syntax->flag) {
        raise_error("The loop must have the 'recursive' marker to be called recursively.");
      }
      const auto [items] = bind(arguments, "loop", {"iterable"}, 1);
      return run_recursively(*callee.loop, *items);
    }
    case Kind::kUndefined:
      raise_undefined(callee);
    default:
      raise_error("'{}' object is not callable", type_name(callee));
  }
}

Value Interpreter::evaluate_filter(const Expression& expression, const Value* input) {
  const Expression* operand = expression.operands[0];
  Value value;
  // In a filter block the innermost filter has no operand: it takes what the block collected.
  if (operand == nullptr)
    value = *input;
  else if (input != nullptr)
    value = evaluate_filter(*operand, input);
  else
    value = evaluate(*operand);
  std::vector<Value> positional;
  std::vector<NamedValue> named;
  Arguments arguments = evaluate_arguments(*expression.arguments, positional, named);
  const Filter& filter = expression.filter != nullptr ? *expression.filter : require_filter(expression.name);
  return filter.apply(*this, value, arguments);
}

Value Interpreter::evaluate_test(const Expression& expression) {
  const Value value = evaluate(*expression.operands[0]);
  std::vector<Value> positional;
  std::vector<NamedValue> named;
  Arguments arguments = evaluate_arguments(*expression.arguments, positional, named);
  const Test& test = expression.test != nullptr ? *expression.test : require_test(expression.name);
  return Value::of(test.check(*this, value, arguments));
}

namespace {

// An absent or None bound leaves the standard; anything but an int is an error.
std::int64_t slice_bound(const Value& bound, std::int64_t standard, std::int64_t size, std::int64_t lowest,
                         std::int64_t highest) {
  if (bound.is_none()) return standard;
  if (!bound.is_integral()) raise_error("slice indices must be integers or None or have an __index__ method");
  std::int64_t at = bound.as_integer();
  if (at < 0) at = at < -size ? lowest : at + size;
  return std::clamp(at, lowest, highest);
}

}  // namespace

const Filter& require_filter(std::string_view name) {
  const Filter* filter = find_filter(name);
  if (filter == nullptr) raise_error("No filter named '{}'", name.substr(0, 100));
  return *filter;
}

const Test& require_test(std::string_view name) {
  const Test* test = find_test(name);
  if (test == nullptr) raise_error("No test named '{}'", name.substr(0, 100));
  return *test;
}

Value Interpreter::evaluate_slice(const Expression& expression) {
  const Value owner = evaluate(*expression.operands[0]);
  Value bounds[3];
  for (std::size_t i = 0; i < 3; ++i) {
    const Expression* operand = expression.operands[i + 1];
    bounds[i] = operand == nullptr ? Value::none() : evaluate(*operand);
  }
  if (owner.is_undefined()) raise_undefined(owner);
  if (!owner.is_string() && !owner.is_sequence() && !owner.is(Kind::kRange)) {
    raise_error("'{}' object is not subscriptable", type_name(owner));
  }
  if (!bounds[2].is_none() && !bounds[2].is_integral()) raise_error("slice indices must be integers or None");
  const std::int64_t step = bounds[2].is_none() ? 1 : bounds[2].as_integer();
  if (step == 0) raise_error("slice step cannot be zero");
  const std::int64_t size = length(owner);
  const std::int64_t lowest = step > 0 ? 0 : -1, highest = step > 0 ? size : size - 1;
  const std::int64_t start = slice_bound(bounds[0], step > 0 ? 0 : size - 1, size, lowest, highest);
  const std::int64_t stop = slice_bound(bounds[1], step > 0 ? size : -1, size, lowest, highest);
  if (owner.is_string() && step == 1) {
    const std::size_t begin = byte_offset(*owner.text, start);
    heap_.charge_bytes(begin);
    return Value::of(new_slice(heap_, *owner.text, begin, std::max(begin, byte_offset(*owner.text, stop))));
  }
  if (owner.is(Kind::kRange)) {
    const Range& range = *owner.range;
    const std::int64_t count =
        step > 0 ? (stop - start + step - 1) / step : (start - stop - step - 1) / -step;
    return Value::of_object(
        Kind::kRange, heap_.make<Range>(range.start + start * range.step, range.start + stop * range.step,
                                        range.step * step, std::max<std::int64_t>(0, count)));
  }
  const std::span<const Value> items = iterate(owner);
  std::vector<Value> chosen;
  for (std::int64_t at = start; step > 0 ? at < stop : at > stop;) {
    heap_.charge(1);
    chosen.push_back(items[static_cast<std::size_t>(at)]);
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  if (!owner.is_string()) return owner.is(Kind::kTuple) ? new_tuple(heap_, chosen) : new_list(heap_, chosen);
  TextBuilder out(heap_);
  for (const Value& character : chosen) out.append(*character.text);
  return Value::of(out.finish());
}

}  // namespace aloud::jinja
