// The methods of str that change or ask about characters, and the methods of dict, list, range and numbers.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/utf8.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_text.h"
#include "text/jinja_unicode.h"

namespace aloud::jinja {
namespace {

// ---- str

template <std::string (*change)(std::string_view)>
Value call_change(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  expect_none(arguments, "the method");
  charge_characters(interpreter.heap(), *self.text);
  return Value::of(changed_text(interpreter.heap(), *self.text, change(self.text->bytes)));
}

// True when there are characters and each has one of the classes.
template <std::uint16_t classes>
Value call_is(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  expect_none(arguments, "the method");
  charge_characters(interpreter.heap(), *self.text);
  std::string_view rest = self.text->bytes;
  if (rest.empty()) return Value::of(classes == kPrintable);
  while (!rest.empty()) {
    const CodePoint point = decode_utf8(rest);
    if (!point.valid || (classes_of(point.value) & classes) == 0) return Value::of(false);
    rest.remove_prefix(point.length);
  }
  return Value::of(true);
}

// islower() and isupper(): some cased character, and none of the other case.
template <std::uint16_t wanted, std::uint16_t refused>
Value call_is_case(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  expect_none(arguments, "the method");
  charge_characters(interpreter.heap(), *self.text);
  return Value::of(has_only_case(*self.text, wanted, refused));
}

Value call_is_title(Interpreter&, const Value& self, Arguments& arguments) {
  expect_none(arguments, "istitle");
  bool follows_cased = false, any = false;
  std::string_view rest = self.text->bytes;
  while (!rest.empty()) {
    const CodePoint point = decode_utf8(rest);
    rest.remove_prefix(point.length);
    const std::uint16_t classes = point.valid ? classes_of(point.value) : std::uint16_t{0};
    if ((classes & (kUpper | kTitle)) != 0) {
      if (follows_cased) return Value::of(false);
      follows_cased = any = true;
    } else if ((classes & kLower) != 0) {
      if (!follows_cased) return Value::of(false);
      any = true;
    } else {
      follows_cased = false;
    }
  }
  return Value::of(any);
}

Value call_is_ascii(Interpreter&, const Value& self, Arguments& arguments) {
  expect_none(arguments, "isascii");
  return Value::of(
      std::ranges::all_of(self.text->bytes, [](char c) { return static_cast<unsigned char>(c) < 128; }));
}

Value call_is_identifier(Interpreter&, const Value& self, Arguments& arguments) {
  expect_none(arguments, "isidentifier");
  std::string_view rest = self.text->bytes;
  bool first = true;
  while (!rest.empty()) {
    const CodePoint point = decode_utf8(rest);
    const std::uint16_t allowed = first ? kAlpha : kAlpha | kDecimal;
    if (point.value != '_' && (!point.valid || (classes_of(point.value) & allowed) == 0))
      return Value::of(false);
    first = false;
    rest.remove_prefix(point.length);
  }
  return Value::of(!first);
}

template <Align align>
Value call_pad(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [width, fill] = bind_positional(arguments, "center", {"width", "fillchar"}, 1);
  const Text* filler =
      fill == nullptr ? new_text(interpreter.heap(), " ") : &require_text(*fill, "The fill character");
  if (filler->characters != 1) raise_error("The fill character must be exactly one character long");
  return Value::of(
      pad_text(interpreter.heap(), *self.text, require_integer(*width, "width"), align, *filler));
}

Value call_zfill(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [width] = bind_positional(arguments, "zfill", {"width"}, 1);
  const std::int64_t missing = require_integer(*width, "width") - self.text->characters;
  TextBuilder out(interpreter.heap());
  const bool has_sign = self.text->bytes.starts_with('+') || self.text->bytes.starts_with('-');
  const std::size_t sign = has_sign ? 1 : 0;
  out.append(*self.text, 0, sign);
  out.append_times("0", missing);
  out.append(*self.text, sign, self.text->bytes.size());
  return Value::of(out.finish());
}

Value call_expandtabs(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [size] = bind(arguments, "expandtabs", {"tabsize"}, 0);
  const std::int64_t tab = size == nullptr ? 8 : require_integer(*size, "tabsize");
  const Text& text = *self.text;
  TextBuilder out(interpreter.heap());
  std::int64_t column = 0;
  for (std::size_t at = 0; at < text.bytes.size();) {
    interpreter.heap().charge(1);
    const std::size_t length = character_length(text.bytes, at);
    const char c = text.bytes[at];
    if (c == '\t') {
      const std::int64_t spaces = tab > 0 ? tab - column % tab : 0;
      out.append_times(" ", spaces);
      column += spaces;
    } else {
      out.append(text, at, at + length);
      column = c == '\n' || c == '\r' ? 0 : column + 1;
    }
    at += length;
  }
  return Value::of(out.finish());
}

Value call_format(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  return Value::of(format_braces(interpreter, *self.text, arguments));
}

Value call_format_map(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [mapping] = bind_positional(arguments, "format_map", {"mapping"}, 1);
  if (!mapping->is(Kind::kDict)) raise_error("format_map() takes a mapping");
  std::vector<NamedValue> named;
  for (const DictEntry& entry : mapping->dict->entries) {
    interpreter.heap().charge(1);
    if (entry.key.is_string()) named.push_back({entry.key.text->bytes, entry.value});
  }
  return Value::of(format_braces(interpreter, *self.text, {{}, named}));
}

// ---- dict and list

template <DictView::Part part>
Value call_view(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  expect_none(arguments, "the method");
  return Value::of_object(Kind::kDictView, interpreter.heap().make<DictView>(self.dict, part));
}

Value call_get(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [key, standard] = bind_positional(arguments, "get", {"key", "default"}, 1);
  require_hashable(interpreter.heap(), *key);
  if (const Value* found = self.dict->find(*key); found != nullptr) return *found;
  return standard == nullptr ? Value::none() : *standard;
}

Value call_copy(Interpreter&, const Value& self, Arguments& arguments) {
  expect_none(arguments, "copy");
  return self;  // values never change
}

Value call_list_count(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [wanted] = bind_positional(arguments, "count", {"value"}, 1);
  std::int64_t count = 0;
  for (const Value& item : interpreter.iterate(self))
    count += equals(interpreter.heap(), item, *wanted) ? 1 : 0;
  return Value::of(count);
}

Value call_list_index(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [wanted, start, stop] = bind_positional(arguments, "index", {"value", "start", "stop"}, 1);
  const std::span<const Value> items = interpreter.iterate(self);
  const auto size = static_cast<std::int64_t>(items.size());
  const auto at = [&](const Value* bound, std::int64_t standard) {
    if (bound == nullptr) return standard;
    const std::int64_t index = require_integer(*bound, "slice indices");
    return std::clamp(index < 0 ? std::max(index, -size) + size : index, std::int64_t{0}, size);
  };
  for (std::int64_t i = at(start, 0); i < at(stop, size); ++i) {
    if (equals(interpreter.heap(), items[static_cast<std::size_t>(i)], *wanted)) return Value::of(i);
  }
  raise_error("the value is not in the list");
}

// ---- numbers

Value call_is_integer(Interpreter&, const Value& self, Arguments& arguments) {
  expect_none(arguments, "is_integer");
  return Value::of(std::isfinite(self.real) && self.real == std::floor(self.real));
}

Value call_bit_length(Interpreter&, const Value& self, Arguments& arguments) {
  expect_none(arguments, "bit_length");
  const std::int64_t value = self.as_integer();
  const std::uint64_t size =
      value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  return Value::of(static_cast<std::int64_t>(64 - (size == 0 ? 64 : __builtin_clzll(size))));
}

using Part = DictView::Part;

constexpr FoundMethod kTextMethods[] = {
    {"upper", call_change<to_upper>},
    {"lower", call_change<to_lower>},
    {"title", call_change<to_title>},
    {"capitalize", call_change<to_capitalized>},
    {"swapcase", call_change<to_swapped_case>},
    {"casefold", call_change<to_folded>},
    {"isalpha", call_is<kAlpha>},
    {"isdigit", call_is<kDigit>},
    {"isdecimal", call_is<kDecimal>},
    {"isnumeric", call_is<kNumeric>},
    {"isalnum", call_is<kAlpha | kDecimal | kDigit | kNumeric>},
    {"isspace", call_is<kSpace>},
    {"isprintable", call_is<kPrintable>},
    {"islower", call_is_case<kLower, kUpper | kTitle>},
    {"isupper", call_is_case<kUpper, kLower | kTitle>},
    {"istitle", call_is_title},
    {"isascii", call_is_ascii},
    {"isidentifier", call_is_identifier},
    {"center", call_pad<Align::kCenter>},
    {"ljust", call_pad<Align::kLeft>},
    {"rjust", call_pad<Align::kRight>},
    {"zfill", call_zfill},
    {"expandtabs", call_expandtabs},
    {"format", call_format},
    {"format_map", call_format_map},
};
constexpr FoundMethod kDictMethods[] = {
    {"get", call_get},
    {"items", call_view<Part::kItems>},
    {"keys", call_view<Part::kKeys>},
    {"values", call_view<Part::kValues>},
    {"copy", call_copy},
    {"clear", nullptr, true},
    {"pop", nullptr, true},
    {"popitem", nullptr, true},
    {"setdefault", nullptr, true},
    {"update", nullptr, true},
};
constexpr FoundMethod kListMethods[] = {
    {"index", call_list_index}, {"count", call_list_count}, {"copy", call_copy},
    {"append", nullptr, true},  {"reverse", nullptr, true}, {"insert", nullptr, true},
    {"sort", nullptr, true},    {"extend", nullptr, true},  {"remove", nullptr, true},
    {"pop", nullptr, true},     {"clear", nullptr, true},
};
constexpr FoundMethod kTupleMethods[] = {{"index", call_list_index}, {"count", call_list_count}};
constexpr FoundMethod kRealMethods[] = {{"is_integer", call_is_integer}};
constexpr FoundMethod kIntegerMethods[] = {{"bit_length", call_bit_length}};

std::span<const FoundMethod> methods_of(Kind kind) {
  switch (kind) {
    case Kind::kString:
      return kTextMethods;
    case Kind::kDict:
      return kDictMethods;
    case Kind::kList:
      return kListMethods;
    case Kind::kTuple:
    case Kind::kRange:
      return kTupleMethods;
    case Kind::kReal:
      return kRealMethods;
    case Kind::kBoolean:
    case Kind::kInteger:
      return kIntegerMethods;
    default:
      return {};
  }
}

}  // namespace

FoundMethod find_method(const Value& value, std::string_view name) {
  if (value.is_string()) {
    if (const Method::Call call = find_text_method(name); call != nullptr) return {name, call};
  }
  const std::span<const FoundMethod> methods = methods_of(value.kind);
  const auto found = std::ranges::find(methods, name, &FoundMethod::name);
  return found == methods.end() ? FoundMethod{} : *found;
}

void charge_characters(Heap& heap, const Text& text) {
  heap.charge(static_cast<std::int64_t>(text.bytes.size() / (text.is_ascii() ? 16 : 2)));
}

bool has_only_case(const Text& text, std::uint16_t wanted, std::uint16_t refused) {
  bool any = false;
  std::string_view rest = text.bytes;
  while (!rest.empty()) {
    const CodePoint point = decode_utf8(rest);
    const std::uint16_t classes = point.valid ? classes_of(point.value) : std::uint16_t{0};
    if ((classes & refused) != 0) return false;
    any |= (classes & wanted) != 0;
    rest.remove_prefix(point.length);
  }
  return any;
}

const Text* changed_text(Heap& heap, const Text& text, std::string_view changed) {
  heap.charge_bytes(changed.size());
  Text* result = heap.make<Text>(*new_text(heap, changed, text.has_marks()));
  result->markup = text.markup;
  return result;
}

const Text* pad_text(Heap& heap, const Text& text, std::int64_t width, Align align, const Text& fill) {
  if (width <= text.characters) return &text;
  const std::int64_t padding = width - text.characters;
  // Python's rule for which side of a centred text gets the odd one.
  const std::int64_t centered = padding / 2 + (padding & width & 1);
  const std::int64_t left = align == Align::kLeft ? 0 : align == Align::kRight ? padding : centered;
  TextBuilder out(heap);
  out.append_times(fill.bytes, left);
  out.append(text);
  out.append_times(fill.bytes, padding - left);
  return out.finish();
}

}  // namespace aloud::jinja
