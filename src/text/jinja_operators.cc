// The interpreter: arithmetic, membership, iteration; what Python's operators do with each type.
#include <cmath>

#include <limits>

#include "base/utf8.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_text.h"

namespace aloud::jinja {
namespace {

constexpr std::string_view kTooLarge = "an integer does not fit into 64 bits";

std::string_view symbol_of(Operator operation) {
  switch (operation) {
    case Operator::kAdd:
      return "+";
    case Operator::kSubtract:
      return "-";
    case Operator::kMultiply:
      return "*";
    case Operator::kDivide:
      return "/";
    case Operator::kFloorDivide:
      return "//";
    case Operator::kModulo:
      return "%";
    default:
      return "** or pow()";
  }
}

std::int64_t power(std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) raise_error("{}", kTooLarge);
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) raise_error("{}", kTooLarge);
  }
  return result;
}

Value integer_arithmetic(Operator operation, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  bool overflows = false;
  switch (operation) {
    case Operator::kAdd:
      overflows = __builtin_add_overflow(a, b, &result);
      break;
    case Operator::kSubtract:
      overflows = __builtin_sub_overflow(a, b, &result);
      break;
    case Operator::kMultiply:
      overflows = __builtin_mul_overflow(a, b, &result);
      break;
    case Operator::kDivide:
      if (b == 0) raise_error("division by zero");
      return Value::of(static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b)));
    case Operator::kFloorDivide:
    case Operator::kModulo: {
      if (b == 0) raise_error("integer division or modulo by zero");
      const bool is_modulo = operation == Operator::kModulo;
      if (b == -1) {  // the one division that can overflow
        overflows = !is_modulo && __builtin_sub_overflow(std::int64_t{0}, a, &result);
        break;
      }
      const std::int64_t remainder = a % b;
      const bool adjusts = remainder != 0 && (remainder < 0) != (b < 0);
      result = is_modulo ? (adjusts ? remainder + b : remainder) : a / b - (adjusts ? 1 : 0);
      break;
    }
    default:
      if (b >= 0) return Value::of(power(a, b));
      if (a == 0) raise_error("0.0 cannot be raised to a negative power");
      return Value::of(std::pow(static_cast<double>(a), static_cast<double>(b)));
  }
  if (overflows) raise_error("{}", kTooLarge);
  return Value::of(result);
}

double real_modulo(double a, double b) {
  double remainder = std::fmod(a, b);
  if (remainder == 0) return std::copysign(0.0, b);
  if ((remainder < 0) != (b < 0)) remainder += b;
  return remainder;
}

double real_floor_divide(double a, double b) {
  const double remainder = real_modulo(a, b);
  const double quotient = (a - remainder) / b;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double whole = std::floor(quotient);
  return quotient - whole > 0.5 ? whole + 1 : whole;
}

Value real_arithmetic(Operator operation, double a, double b) {
  switch (operation) {
    case Operator::kAdd:
      return Value::of(a + b);
    case Operator::kSubtract:
      return Value::of(a - b);
    case Operator::kMultiply:
      return Value::of(a * b);
    case Operator::kDivide:
    case Operator::kFloorDivide:
    case Operator::kModulo:
      if (b == 0) raise_error("float division by zero");
      if (operation == Operator::kDivide) return Value::of(a / b);
      return Value::of(operation == Operator::kModulo ? real_modulo(a, b) : real_floor_divide(a, b));
    default: {
      if (a == 0 && b < 0) raise_error("0.0 cannot be raised to a negative power");
      if (a < 0 && b != std::floor(b) && std::isfinite(a)) raise_error("complex numbers are not supported");
      const double result = std::pow(a, b);
      if (std::isinf(result) && std::isfinite(a) && std::isfinite(b)) raise_error("Result too large");
      return Value::of(result);
    }
  }
}

Value repeat(Heap& heap, const Value& value, const Value& count) {
  const std::int64_t times = std::max<std::int64_t>(0, count.as_integer());
  if (value.is_string()) {
    const Text& text = *value.text;
    if (!text.has_marks()) {
      TextBuilder out(heap);
      out.append_times(text.bytes, times);
      return Value::of(out.finish());
    }
    TextBuilder out(heap);
    for (std::int64_t i = 0; i < times; ++i) {
      heap.charge(1);
      out.append(text);
    }
    return Value::of(out.finish());
  }
  std::vector<Value> items;
  for (std::int64_t i = 0; i < times && !value.list->items.empty(); ++i) {
    heap.charge(static_cast<std::int64_t>(value.list->items.size()));
    items.insert(items.end(), value.list->items.begin(), value.list->items.end());
  }
  return value.is(Kind::kList) ? new_list(heap, items) : new_tuple(heap, items);
}

Value join_texts(Heap& heap, const Text& left, const Text& right) {
  TextBuilder out(heap);
  heap.check_size(left.bytes.size() + right.bytes.size());
  out.reserve(left.bytes.size() + right.bytes.size());
  const bool is_markup = left.markup || right.markup;
  out.append(is_markup && !left.markup ? *escape_markup(heap, left) : left);
  out.append(is_markup && !right.markup ? *escape_markup(heap, right) : right);
  const Text* joined = out.finish();
  if (!is_markup) return Value::of(joined);
  Text* markup = heap.make<Text>(*joined);
  markup->markup = true;
  return Value::of(markup);
}

const Text& without_markup(Heap& heap, const Text& text) {
  if (!text.markup) return text;
  Text* plain = heap.make<Text>(text);
  plain->markup = false;
  return *plain;
}

Value join_lists(Heap& heap, const Value& left, const Value& right) {
  const List* joined = heap.make<List>(heap.join(left.list->items, right.list->items));
  return left.is(Kind::kList) ? Value::list_of(joined) : Value::tuple_of(joined);
}

}  // namespace

Value Interpreter::binary(Operator operation, const Value& left, const Value& right) {
  if (operation == Operator::kModulo && left.is_string()) {
    return Value::of(format_percent(*this, *left.text, right));
  }
  if (left.is_undefined()) raise_undefined(left);
  if (right.is_undefined()) raise_undefined(right);
  if (left.is_integral() && right.is_integral()) {
    return integer_arithmetic(operation, left.as_integer(), right.as_integer());
  }
  if (left.is_number() && right.is_number())
    return real_arithmetic(operation, left.as_real(), right.as_real());
  if (operation == Operator::kAdd) {
    if (left.is_string() && right.is_string()) return join_texts(heap_, *left.text, *right.text);
    if (left.is_sequence() && left.kind == right.kind) return join_lists(heap_, left, right);
    if (left.is_string()) raise_error("can only concatenate str (not \"{}\") to str", type_name(right));
  }
  if (operation == Operator::kMultiply) {
    if ((left.is_string() || left.is_sequence()) && right.is_integral()) return repeat(heap_, left, right);
    if ((right.is_string() || right.is_sequence()) && left.is_integral()) return repeat(heap_, right, left);
  }
  raise_error("unsupported operand type(s) for {}: '{}' and '{}'", symbol_of(operation), type_name(left),
              type_name(right));
}

bool Interpreter::contains(const Value& container, const Value& item) {
  switch (container.kind) {
    case Kind::kString: {
      if (!item.is_string()) {
        raise_error("'in <string>' requires string as left operand, not {}", type_name(item));
      }
      const std::string_view text = container.text->bytes, part = item.text->bytes;
      heap_.charge_bytes(text.size());
      return find_bytes(text, part, 0) != std::string_view::npos;
    }
    case Kind::kDict:
      require_hashable(heap_, item);
      return container.dict->find(item) != nullptr;
    case Kind::kDictView:
      if (container.view->part == DictView::Part::kKeys) {
        require_hashable(heap_, item);
        return container.view->dict->find(item) != nullptr;
      }
      break;
    case Kind::kRange: {
      const Range& range = *container.range;
      if (!item.is_number() || (item.is(Kind::kReal) && item.real != std::floor(item.real))) return false;
      if (item.is(Kind::kReal) && !(std::fabs(item.real) < 9e18)) return false;
      const std::int64_t at = item.is(Kind::kReal) ? static_cast<std::int64_t>(item.real) : item.as_integer();
      const bool inside =
          range.step > 0 ? at >= range.start && at < range.stop : at <= range.start && at > range.stop;
      return inside && (at - range.start) % range.step == 0;
    }
    case Kind::kIterator: {
      // As in Python, the items up to the one that is found are used up.
      iterate_lazily(*container.iterator);
      while (!container.iterator->left.empty()) {
        const Value candidate = container.iterator->left[0];
        container.iterator->left = container.iterator->left.subspan(1);
        if (equals(heap_, candidate, item)) return true;
      }
      return false;
    }
    case Kind::kUndefined:
    case Kind::kList:
    case Kind::kTuple:
      break;
    default:
      raise_error("argument of type '{}' is not iterable", type_name(container));
  }
  for (const Value& candidate : iterate(container)) {
    if (equals(heap_, candidate, item)) return true;
  }
  return false;
}

void Interpreter::iterate_lazily(Iterator& iterator) {
  if (iterator.produce == nullptr) return;
  const Deeper deeper(heap_);
  const Iterator::Produce produce = iterator.produce;
  iterator.produce = nullptr;
  const std::vector<Value> items = produce(*this, iterator.input, *iterator.arguments);
  iterator.left = heap_.copy(std::span<const Value>(items));
}

std::span<const Value> Interpreter::iterate(const Value& value) {
  std::vector<Value> items;
  switch (value.kind) {
    case Kind::kUndefined:
      return {};
    case Kind::kList:
    case Kind::kTuple:
      return value.list->items;
    case Kind::kIterator: {
      iterate_lazily(*value.iterator);
      return std::exchange(value.iterator->left, {});
    }
    case Kind::kString: {
      const Text& text = without_markup(heap_, *value.text);  // str's own iterator knows nothing of markup
      for (std::size_t at = 0; at < text.bytes.size();) {
        const std::size_t length = character_length(text.bytes, at);
        items.push_back(Value::of(new_slice(heap_, text, at, at + length)));
        at += length;
      }
      break;
    }
    case Kind::kDict:
      for (const DictEntry& entry : value.dict->entries) items.push_back(entry.key);
      break;
    case Kind::kDictView:
      for (const DictEntry& entry : value.view->dict->entries) {
        const Value pair[2] = {entry.key, entry.value};
        using Part = DictView::Part;
        items.push_back(value.view->part == Part::kKeys     ? entry.key
                        : value.view->part == Part::kValues ? entry.value
                                                            : new_tuple(heap_, pair));
      }
      break;
    case Kind::kRange:
      heap_.charge(value.range->size / 4);
      for (std::int64_t i = 0; i < value.range->size; ++i) {
        items.push_back(Value::of(value.range->start + i * value.range->step));
      }
      break;
    default:
      raise_error("'{}' object is not iterable", type_name(value));
  }
  return heap_.copy(std::span<const Value>(items));
}

std::int64_t Interpreter::length(const Value& value) {
  switch (value.kind) {
    case Kind::kUndefined:
      return 0;
    case Kind::kString:
      return value.text->characters;
    case Kind::kList:
    case Kind::kTuple:
      return static_cast<std::int64_t>(value.list->items.size());
    case Kind::kDict:
      return static_cast<std::int64_t>(value.dict->entries.size());
    case Kind::kDictView:
      return static_cast<std::int64_t>(value.view->dict->entries.size());
    case Kind::kRange:
      return value.range->size;
    case Kind::kLoop:
      has_item(*value.loop, std::numeric_limits<std::int64_t>::max());
      return static_cast<std::int64_t>(value.loop->items.size());
    default:
      raise_error("object of type '{}' has no len()", type_name(value));
  }
}

}  // namespace aloud::jinja
