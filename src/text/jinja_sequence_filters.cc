// The filters over sequences and mappings.
#include <algorithm>
#include <map>

#include "text/jinja_filters.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_text.h"
#include "text/jinja_unicode.h"

namespace aloud::jinja {
namespace {

using Values = std::vector<Value>;

// ---- attributes by path: "a.b.0", or 3

Values attribute_path(Heap& heap, const Value& attribute) {
  if (attribute.is_none()) return {};
  if (!attribute.is_string()) return {attribute};
  Values parts;
  std::string_view rest = attribute.text->bytes;
  while (true) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view part = rest.substr(0, dot);
    heap.charge(1);
    std::int64_t number = 0;
    const bool is_number =
        !part.empty() && part.size() < 18 && part.find_first_not_of("0123456789") == std::string_view::npos;
    for (const char digit : is_number ? part : std::string_view()) number = number * 10 + (digit - '0');
    parts.push_back(is_number ? Value::of(number) : new_string(heap, part));
    if (dot == rest.size()) return parts;
    rest.remove_prefix(dot + 1);
  }
}

Value ignore_case(Heap& heap, const Value& value) {
  if (!value.is_string()) return value;
  charge_characters(heap, *value.text);
  return new_string(heap, to_lower(value.text->bytes));
}

struct KeyOptions {
  Values path;
  bool case_sensitive = true;
  const Value* standard = nullptr;  // instead of an undefined part
};

Value key_of(Interpreter& interpreter, Value item, const KeyOptions& options) {
  for (const Value& part : options.path) {
    interpreter.heap().charge(1);
    item = interpreter.get_item(item, part);
    if (item.is_undefined() && options.standard != nullptr && !options.standard->is_none())
      item = *options.standard;
  }
  return options.case_sensitive ? item : ignore_case(interpreter.heap(), item);
}

bool flag(const Value* value) { return value != nullptr && truth(*value); }

KeyOptions key_options(Interpreter& interpreter, const Value* attribute, const Value* case_sensitive) {
  KeyOptions options;
  if (attribute != nullptr) options.path = attribute_path(interpreter.heap(), *attribute);
  options.case_sensitive = flag(case_sensitive);
  return options;
}

struct Keyed {
  Value key, item;
};

Value sort_by_key(Interpreter& interpreter, std::vector<Keyed>& items, bool reverse) {
  // Stable in both directions, as Python's sort.
  std::ranges::stable_sort(items, [&](const Keyed& a, const Keyed& b) {
    return reverse ? less(interpreter.heap(), b.key, a.key) : less(interpreter.heap(), a.key, b.key);
  });
  Values sorted;
  for (const Keyed& item : items) sorted.push_back(item.item);
  return new_list(interpreter.heap(), sorted);
}

Value apply_sort(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [reverse, case_sensitive, attribute] =
      bind(arguments, "sort", {"reverse", "case_sensitive", "attribute"}, 0);
  Heap& heap = interpreter.heap();
  // Several attributes, separated by commas, make a compound key.
  std::vector<KeyOptions> keys;
  if (attribute != nullptr && attribute->is_string()) {
    std::string_view rest = attribute->text->bytes;
    while (true) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      const Value one = new_string(heap, rest.substr(0, comma));
      keys.push_back(key_options(interpreter, &one, case_sensitive));
      if (comma == rest.size()) break;
      rest.remove_prefix(comma + 1);
    }
  } else {
    keys.push_back(key_options(interpreter, attribute, case_sensitive));
  }
  std::vector<Keyed> items;
  for (const Value& item : interpreter.iterate(input)) {
    Values parts;
    for (const KeyOptions& options : keys) parts.push_back(key_of(interpreter, item, options));
    items.push_back({new_list(heap, parts), item});
  }
  return sort_by_key(interpreter, items, flag(reverse));
}

Value apply_dictsort(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [case_sensitive, by, reverse] =
      bind(arguments, "dictsort", {"case_sensitive", "by", "reverse"}, 0);
  const std::string_view part = by == nullptr ? "key" : require_text(*by, "by").bytes;
  if (part != "key" && part != "value") raise_error("You can only sort by either \"key\" or \"value\"");
  if (input.is_undefined()) raise_undefined(input);
  if (!input.is(Kind::kDict)) raise_error("'{}' object has no attribute 'items'", type_name(input));
  std::vector<Keyed> items;
  for (const DictEntry& entry : input.dict->entries) {
    const Value& key = part == "key" ? entry.key : entry.value;
    const Value pair[2] = {entry.key, entry.value};
    items.push_back({flag(case_sensitive) ? key : ignore_case(interpreter.heap(), key),
                     new_tuple(interpreter.heap(), pair)});
  }
  return sort_by_key(interpreter, items, flag(reverse));
}

Value apply_groupby(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [attribute, standard, case_sensitive] =
      bind(arguments, "groupby", {"attribute", "default", "case_sensitive"}, 1);
  Heap& heap = interpreter.heap();
  KeyOptions options = key_options(interpreter, attribute, case_sensitive);
  options.standard = standard;
  std::vector<Keyed> items;
  for (const Value& item : interpreter.iterate(input))
    items.push_back({key_of(interpreter, item, options), item});
  std::ranges::stable_sort(items, [&](const Keyed& a, const Keyed& b) { return less(heap, a.key, b.key); });
  KeyOptions shown = options;
  shown.case_sensitive = true;
  Values groups;
  for (std::size_t begin = 0, end = 0; begin < items.size(); begin = end) {
    Values members;
    while (end < items.size() && equals(heap, items[begin].key, items[end].key))
      members.push_back(items[end++].item);
    if (end == begin) members.push_back(items[end++].item);  // a key that does not equal itself
    const Value pair[2] = {key_of(interpreter, members[0], shown), new_list(heap, members)};
    groups.push_back(Value::tuple_of(heap.make<List>(heap.copy(std::span<const Value>(pair)), true)));
  }
  return new_list(heap, groups);
}

template <bool wants_largest>
Value apply_extreme(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [case_sensitive, attribute] =
      bind(arguments, wants_largest ? "max" : "min", {"case_sensitive", "attribute"}, 0);
  const std::span<const Value> items = interpreter.iterate(input);
  if (items.empty()) return interpreter.make_absence("No aggregated item, sequence was empty.");
  const KeyOptions options = key_options(interpreter, attribute, case_sensitive);
  Keyed best{key_of(interpreter, items[0], options), items[0]};
  for (const Value& item : items.subspan(1)) {
    const Value key = key_of(interpreter, item, options);
    const bool is_better = wants_largest ? less(interpreter.heap(), best.key, key, ">")
                                         : less(interpreter.heap(), key, best.key);
    if (is_better) best = {key, item};
  }
  return best.item;
}

Value apply_sum(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [attribute, start] = bind(arguments, "sum", {"attribute", "start"}, 0);
  Value total = start == nullptr ? Value::of(std::int64_t{0}) : *start;
  if (total.is_string()) raise_error("sum() can't sum strings [use ''.join(seq) instead]");
  KeyOptions options = key_options(interpreter, attribute, nullptr);
  options.case_sensitive = true;
  for (const Value& item : interpreter.iterate(input)) {
    total = interpreter.binary(Operator::kAdd, total, key_of(interpreter, item, options));
  }
  return total;
}

Value apply_join(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [separator, attribute] = bind(arguments, "join", {"d", "attribute"}, 0);
  Heap& heap = interpreter.heap();
  const Text* between = separator == nullptr ? nullptr : to_text(heap, *separator);
  KeyOptions options = key_options(interpreter, attribute, nullptr);
  options.case_sensitive = true;
  TextBuilder out(heap);
  bool first = true;
  for (const Value& item : interpreter.iterate(input)) {
    heap.charge(1);
    if (!first && between != nullptr) out.append(*between);
    first = false;
    append_str(out, heap, key_of(interpreter, item, options));
  }
  return Value::of(out.finish());
}

Value apply_first(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  expect_none(arguments, "first");
  if (input.is(Kind::kIterator)) {
    Iterator& iterator = *input.iterator;
    interpreter.iterate_lazily(iterator);
    if (iterator.left.empty()) return interpreter.make_absence("No first item, sequence was empty.");
    const Value item = iterator.left[0];
    iterator.left = iterator.left.subspan(1);
    return item;
  }
  if (input.is_string() && input.text->characters > 0)
    return interpreter.get_item(input, Value::of(std::int64_t{0}));
  const std::span<const Value> items = interpreter.iterate(input);
  return items.empty() ? interpreter.make_absence("No first item, sequence was empty.") : items[0];
}

Value apply_last(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  expect_none(arguments, "last");
  if (input.is(Kind::kIterator)) raise_error("'generator' object is not reversible");
  if (input.is_string() && input.text->characters > 0)
    return interpreter.get_item(input, Value::of(std::int64_t{-1}));
  const std::span<const Value> items = interpreter.iterate(input);
  return items.empty() ? interpreter.make_absence("No last item, sequence was empty.") : items.back();
}

Value apply_length(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  expect_none(arguments, "length");
  return Value::of(interpreter.length(input));
}

Value apply_list(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  expect_none(arguments, "list");
  return Value::list_of(interpreter.heap().make<List>(interpreter.iterate(input)));
}

// ---- filters that give iterators

Value make_iterator(Interpreter& interpreter, Iterator::Produce produce, const Value& input,
                    const Arguments& arguments) {
  Heap& heap = interpreter.heap();
  const Arguments* kept = heap.make<Arguments>(heap.copy(arguments.positional), heap.copy(arguments.named));
  return Value::of_object(Kind::kIterator, heap.make<Iterator>(produce, input, kept));
}

Values produce_map(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  Values mapped;
  if (!truth(input)) return mapped;
  if (arguments.positional.empty()) {
    const auto [attribute, standard] = bind(arguments, "map", {"attribute", "default"}, 1);
    KeyOptions options;
    options.path = attribute_path(interpreter.heap(), *attribute);
    options.standard = standard;
    for (const Value& item : interpreter.iterate(input)) mapped.push_back(key_of(interpreter, item, options));
    return mapped;
  }
  const Filter& filter = require_filter(require_text(arguments.positional[0], "map's filter").bytes);
  for (const Value& item : interpreter.iterate(input)) {
    Arguments rest{arguments.positional.subspan(1), arguments.named};
    interpreter.heap().charge(1);
    mapped.push_back(filter.apply(interpreter, item, rest));
  }
  return mapped;
}

template <bool keeps, bool by_attribute>
Values produce_selection(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  Values selected;
  if (!truth(input)) return selected;
  constexpr std::size_t kTest = by_attribute ? 1 : 0;
  KeyOptions options;
  if (by_attribute) {
    if (arguments.positional.empty()) raise_error("Missing parameter for attribute name");
    options.path = attribute_path(interpreter.heap(), arguments.positional[0]);
  }
  const bool has_test = arguments.positional.size() > kTest;
  const Test* test =
      has_test ? &require_test(require_text(arguments.positional[kTest], "the test's name").bytes) : nullptr;
  for (const Value& item : interpreter.iterate(input)) {
    interpreter.heap().charge(1);
    const Value subject = key_of(interpreter, item, options);
    Arguments rest{has_test ? arguments.positional.subspan(kTest + 1) : std::span<const Value>(),
                   arguments.named};
    const bool passes = has_test ? test->check(interpreter, subject, rest) : truth(subject);
    if (passes == keeps) selected.push_back(item);
  }
  return selected;
}

Values produce_unique(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const auto [case_sensitive, attribute] = bind(arguments, "unique", {"case_sensitive", "attribute"}, 0);
  const KeyOptions options = key_options(interpreter, attribute, case_sensitive);
  std::map<Value, bool, KeyLess> seen;
  Values unique;
  for (const Value& item : interpreter.iterate(input)) {
    const Value key = key_of(interpreter, item, options);
    require_hashable(interpreter.heap(), key);
    interpreter.heap().charge(1);
    if (seen.try_emplace(key, true).second) unique.push_back(item);
  }
  return unique;
}

Values produce_items(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  expect_none(arguments, "items");
  Values items;
  if (input.is_undefined()) return items;
  if (!input.is(Kind::kDict)) raise_error("Can only get item pairs from a mapping.");
  for (const DictEntry& entry : input.dict->entries) {
    const Value pair[2] = {entry.key, entry.value};
    items.push_back(new_tuple(interpreter.heap(), pair));
  }
  return items;
}

Values produce_reversed(Interpreter& interpreter, const Value& input, const Arguments&) {
  const std::span<const Value> items = interpreter.iterate(input);
  return Values(items.rbegin(), items.rend());
}

Values produce_batches(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const auto [size_given, fill] = bind(arguments, "batch", {"linecount", "fill_with"}, 1);
  const std::int64_t size = require_integer(*size_given, "linecount");
  Values batches, batch;
  for (const Value& item : interpreter.iterate(input)) {
    if (static_cast<std::int64_t>(batch.size()) == size) {
      batches.push_back(new_list(interpreter.heap(), batch));
      batch.clear();
    }
    batch.push_back(item);
  }
  if (batch.empty()) return batches;
  while (fill != nullptr && !fill->is_none() && static_cast<std::int64_t>(batch.size()) < size) {
    interpreter.heap().charge(1);
    batch.push_back(*fill);
  }
  batches.push_back(new_list(interpreter.heap(), batch));
  return batches;
}

Values produce_slices(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const auto [count_given, fill] = bind(arguments, "slice", {"slices", "fill_with"}, 1);
  const std::int64_t count = require_integer(*count_given, "slices");
  const std::span<const Value> items = interpreter.iterate(input);
  const auto size = static_cast<std::int64_t>(items.size());
  if (count == 0) raise_error("integer division or modulo by zero");
  Values slices;
  std::int64_t begin = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    interpreter.heap().charge(1);
    const bool has_extra = i < size % count;
    const std::int64_t length = size / count + (has_extra ? 1 : 0);
    const auto part = items.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(length));
    Values slice(part.begin(), part.end());
    begin += length;
    if (fill != nullptr && !fill->is_none() && !has_extra) slice.push_back(*fill);
    slices.push_back(new_list(interpreter.heap(), slice));
  }
  return slices;
}

template <Iterator::Produce produce>
Value apply_lazily(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  return make_iterator(interpreter, produce, input, arguments);
}

Value apply_reverse(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  expect_none(arguments, "reverse");
  if (!input.is_string()) {
    if (input.is(Kind::kIterator)) {
      return new_list(interpreter.heap(), produce_reversed(interpreter, input, arguments));
    }
    interpreter.iterate(input);  // what cannot be iterated over fails now
    return make_iterator(interpreter, produce_reversed, input, arguments);
  }
  const Text& text = *input.text;
  TextBuilder out(interpreter.heap());
  for (std::size_t end = text.bytes.size(); end > 0;) {
    interpreter.heap().charge(1);
    const std::size_t begin = last_character(text.bytes.substr(0, end));
    out.append(text, begin, end);
    end = begin;
  }
  return Value::of(out.finish());
}

constexpr Filter kSequenceFilters[] = {
    {"batch", apply_lazily<produce_batches>},
    {"count", apply_length},
    {"dictsort", apply_dictsort},
    {"first", apply_first},
    {"groupby", apply_groupby},
    {"items", apply_lazily<produce_items>},
    {"join", apply_join},
    {"last", apply_last},
    {"length", apply_length},
    {"list", apply_list},
    {"map", apply_lazily<produce_map>},
    {"max", apply_extreme<true>},
    {"min", apply_extreme<false>},
    {"reject", apply_lazily<produce_selection<false, false>>},
    {"rejectattr", apply_lazily<produce_selection<false, true>>},
    {"reverse", apply_reverse},
    {"select", apply_lazily<produce_selection<true, false>>},
    {"selectattr", apply_lazily<produce_selection<true, true>>},
    {"slice", apply_lazily<produce_slices>},
    {"sort", apply_sort},
    {"sum", apply_sum},
    {"unique", apply_lazily<produce_unique>},
};

}  // namespace

std::span<const Filter> sequence_filters() { return kSequenceFilters; }

}  // namespace aloud::jinja
