// The filters that convert single values: numbers, JSON, defaults; and the way from a name to a filter.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/utf8.h"
#include "text/jinja_filters.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_text.h"
#include "text/jinja_unicode.h"

namespace aloud::jinja {
namespace {

Value apply_default(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [standard, boolean] = bind(arguments, "default", {"default_value", "boolean"}, 0);
  const bool replaces = input.is_undefined() || (boolean != nullptr && truth(*boolean) && !truth(input));
  if (!replaces) return input;
  return standard == nullptr ? new_string(interpreter.heap(), "") : *standard;
}

Value apply_attr(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [name] = bind(arguments, "attr", {"name"}, 1);
  require_text(*name, "attribute name");
  return interpreter.get_pure_attribute(input, *name);
}

Value apply_abs(Interpreter&, const Value& input, Arguments& arguments) {
  expect_none(arguments, "abs");
  if (input.is(Kind::kReal)) return Value::of(std::fabs(input.real));
  if (!input.is_integral()) raise_error("bad operand type for abs(): '{}'", type_name(input));
  const std::int64_t value = input.as_integer();
  if (value == std::numeric_limits<std::int64_t>::min()) raise_error("an integer does not fit into 64 bits");
  return Value::of(value < 0 ? -value : value);
}

// ---- int() and float() of strings

// Digits with single underscores between digits, or nothing.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out.push_back(text[i]);
      continue;
    }
    const auto is_digit = [&](std::size_t at) {
      return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0;
    };
    if (i == 0 || !is_digit(i - 1) || !is_digit(i + 1)) return std::nullopt;
  }
  return out;
}

// Other scripts' digits become ASCII ones; surrounding whitespace goes.
std::string plain_number(Heap& heap, const Text& text) {
  const std::string_view stripped = strip_text(heap, text, nullptr, true, true)->bytes;
  std::string out;
  for (std::size_t at = 0; at < stripped.size();) {
    const CodePoint point = decode_utf8(stripped.substr(at));
    if (point.value >= 128 && point.valid && (classes_of(point.value) & kDecimal) != 0) {
      // Decimal digits come in runs of ten that begin at zero.
      char32_t zero = point.value;
      while (zero > 0 && point.value - zero < 9 && (classes_of(zero - 1) & kDecimal) != 0) --zero;
      out.push_back(static_cast<char>('0' + (point.value - zero) % 10));
    } else {
      out += stripped.substr(at, point.length);
    }
    at += point.length;
  }
  return out;
}

std::optional<std::int64_t> parse_integer(Heap& heap, const Text& text, std::int64_t base) {
  std::string number = plain_number(heap, text);
  bool is_negative = false;
  if (!number.empty() && (number[0] == '-' || number[0] == '+')) {
    is_negative = number[0] == '-';
    number.erase(0, 1);
  }
  const char marker = number.size() > 1 && number[0] == '0' ? static_cast<char>(number[1] | 0x20) : '\0';
  const std::int64_t marked_base = marker == 'x' ? 16 : marker == 'o' ? 8 : marker == 'b' ? 2 : 0;
  if (marked_base != 0 && (base == 0 || base == marked_base)) {
    base = marked_base;
    number.erase(0, 2);
    if (number.starts_with('_')) number.erase(0, 1);
  } else if (base == 0) {
    base = 10;
    if (number.size() > 1 && number[0] == '0' && number.find_first_not_of("0_") != std::string::npos)
      return std::nullopt;
  }
  if (base < 2 || base > 36) return std::nullopt;
  const std::optional<std::string> digits = without_underscores(number);
  if (!digits || digits->empty() || (*digits)[0] == '-') return std::nullopt;
  std::uint64_t size = 0;
  const auto result =
      std::from_chars(digits->data(), digits->data() + digits->size(), size, static_cast<int>(base));
  if (result.ptr != digits->data() + digits->size()) return std::nullopt;
  const std::uint64_t limit =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + (is_negative ? 1 : 0);
  if (result.ec != std::errc{} || size > limit) raise_error("an integer does not fit into 64 bits");
  return static_cast<std::int64_t>(is_negative ? 0 - size : size);
}

std::optional<double> parse_real(Heap& heap, const Text& text) {
  const std::optional<std::string> number = without_underscores(plain_number(heap, text));
  if (!number || number->empty()) return std::nullopt;
  // strtod takes more than Python does: hexadecimal numbers and "nan(...)".
  if (number->find_first_of("xX(pP") != std::string::npos || number->find('\0') != std::string::npos)
    return std::nullopt;
  if (std::isspace(static_cast<unsigned char>((*number)[0])) != 0) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(number->c_str(), &end);
  if (end != number->c_str() + number->size()) return std::nullopt;
  return value;
}

std::int64_t truncate(double value) {
  if (std::isnan(value)) raise_error("cannot convert float NaN to integer");
  if (std::isinf(value)) raise_error("cannot convert float infinity to integer");
  if (!(std::fabs(value) < 9223372036854775808.0)) raise_error("an integer does not fit into 64 bits");
  return static_cast<std::int64_t>(value);
}

Value apply_int(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [standard, base_given] = bind(arguments, "int", {"default", "base"}, 0);
  const std::int64_t base = base_given == nullptr ? 10 : require_integer(*base_given, "base");
  if (input.is_undefined()) raise_undefined(input);
  if (input.is_integral()) return Value::of(input.as_integer());
  if (input.is(Kind::kReal) && !std::isnan(input.real)) return Value::of(truncate(input.real));
  if (input.is_string()) {
    if (const auto number = parse_integer(interpreter.heap(), *input.text, base)) return Value::of(*number);
    const std::optional<double> real = parse_real(interpreter.heap(), *input.text);
    if (real && !std::isnan(*real)) return Value::of(truncate(*real));
  }
  return standard == nullptr ? Value::of(std::int64_t{0}) : *standard;
}

Value apply_float(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [standard] = bind(arguments, "float", {"default"}, 0);
  if (input.is_undefined()) raise_undefined(input);
  if (input.is_number()) return Value::of(input.as_real());
  if (input.is_string()) {
    if (const auto real = parse_real(interpreter.heap(), *input.text)) return Value::of(*real);
  }
  return standard == nullptr ? Value::of(0.0) : *standard;
}

double round_to(double value, std::int64_t precision) {
  if (!std::isfinite(value) || precision > 323) return value;
  if (precision < -308) return std::copysign(0.0, value);
  if (precision >= 0) {
    // The decimal that printf rounds correctly is the one that Python's round() returns.
    return std::strtod(fmt::format("{:.{}f}", value, static_cast<int>(precision)).c_str(), nullptr);
  }
  const double unit = std::pow(10.0, static_cast<double>(-precision));
  return std::nearbyint(value / unit) * unit;
}

Value round_integer(std::int64_t value, std::int64_t precision) {
  if (precision >= 0) return Value::of(value);
  if (precision < -18) return Value::of(std::int64_t{0});
  std::int64_t unit = 1;
  for (std::int64_t i = 0; i > precision; --i) unit *= 10;
  const std::int64_t rest = ((value % unit) + unit) % unit;
  const __int128 down = static_cast<__int128>(value) - rest;
  const bool rounds_up = rest * 2 > unit || (rest * 2 == unit && (down / unit) % 2 != 0);
  const __int128 rounded = rounds_up ? down + unit : down;
  if (rounded != static_cast<std::int64_t>(rounded)) raise_error("an integer does not fit into 64 bits");
  return Value::of(static_cast<std::int64_t>(rounded));
}

Value apply_round(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [precision_given, method_given] = bind(arguments, "round", {"precision", "method"}, 0);
  const std::int64_t precision =
      precision_given == nullptr ? 0 : require_integer(*precision_given, "precision");
  const std::string_view method =
      method_given == nullptr ? "common" : require_text(*method_given, "method").bytes;
  if (method != "common" && method != "ceil" && method != "floor")
    raise_error("method must be common, ceil or floor");
  if (input.is_undefined()) raise_undefined(input);
  if (!input.is_number()) raise_error("type {} doesn't define __round__ method", type_name(input));
  if (method == "common") {
    return input.is(Kind::kReal) ? Value::of(round_to(input.real, precision))
                                 : round_integer(input.as_integer(), precision);
  }
  const Value ten = Value::of(std::int64_t{10});
  const Value unit = interpreter.binary(Operator::kPower, ten, Value::of(precision));
  const Value scaled = interpreter.binary(Operator::kMultiply, input, unit);
  const double whole = method == "ceil" ? std::ceil(scaled.as_real()) : std::floor(scaled.as_real());
  const Value rounded = scaled.is(Kind::kReal) ? Value::of(truncate(whole)) : scaled;
  return interpreter.binary(Operator::kDivide, rounded, unit);
}

Value apply_filesizeformat(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [binary_given] = bind(arguments, "filesizeformat", {"binary"}, 0);
  const bool binary = binary_given != nullptr && truth(*binary_given);
  std::optional<double> size;
  if (input.is_number())
    size = input.as_real();
  else if (input.is_string())
    size = parse_real(interpreter.heap(), *input.text);
  if (!size) raise_error("a size must be a number, not {}", type_name(input));
  constexpr std::string_view kPrefixes = "kMGTPEZY", kBinaryPrefixes = "KMGTPEZY";
  const double base = binary ? 1024 : 1000;
  if (*size == 1) return new_string(interpreter.heap(), "1 Byte");
  if (*size < base) return new_string(interpreter.heap(), fmt::format("{} Bytes", truncate(*size)));
  double unit = base;
  std::size_t prefix = 0;
  while (prefix + 1 < kPrefixes.size() && *size >= unit * base) unit *= base, ++prefix;
  const char letter = (binary ? kBinaryPrefixes : kPrefixes)[prefix];
  return new_string(interpreter.heap(),
                    fmt::format("{:.1f} {}{}", *size / unit, letter, binary ? "iB" : "B"));
}

Value apply_tojson(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [ascii, indent, separators, sort_keys] =
      bind(arguments, "tojson", {"ensure_ascii", "indent", "separators", "sort_keys"}, 0);
  Heap& heap = interpreter.heap();
  JsonStyle style;
  style.ascii = ascii != nullptr && truth(*ascii);
  style.sort_keys = sort_keys != nullptr && truth(*sort_keys);
  if (indent != nullptr && !indent->is_none()) {
    style.item_separator = ",";
    if (indent->is_string()) {
      style.indent = indent->text->bytes;
    } else {
      TextBuilder spaces(heap);
      spaces.append_times(" ", require_integer(*indent, "indent"));
      style.indent = spaces.finish()->bytes;
    }
  }
  if (separators != nullptr && !separators->is_none()) {
    const std::span<const Value> pair = interpreter.iterate(*separators);
    if (pair.size() != 2) raise_error("separators must be a pair of strings");
    style.item_separator = require_text(pair[0], "item separator").bytes;
    style.key_separator = require_text(pair[1], "key separator").bytes;
  }
  TextBuilder out(heap);
  append_json(out, heap, input, style);
  return Value::of(out.finish());
}

constexpr Filter kValueFilters[] = {
    {"abs", apply_abs},
    {"attr", apply_attr},
    {"d", apply_default},
    {"default", apply_default},
    {"filesizeformat", apply_filesizeformat},
    {"float", apply_float},
    {"int", apply_int},
    {"round", apply_round},
    {"tojson", apply_tojson},
};

}  // namespace

std::span<const Filter> value_filters() { return kValueFilters; }

const Filter* find_filter(std::string_view name) {
  for (const std::span<const Filter> filters : {value_filters(), text_filters(), sequence_filters()}) {
    const auto found = std::ranges::find(filters, name, &Filter::name);
    if (found != filters.end()) return &*found;
  }
  return nullptr;
}

}  // namespace aloud::jinja
