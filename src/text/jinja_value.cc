// Builds, compares and measures values.
#include "text/jinja_value.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"

namespace aloud::jinja {
namespace {

constexpr std::size_t kEntriesWithoutIndex = 8;

int key_rank(Kind kind) {
  switch (kind) {
    case Kind::kNone:
      return 0;
    case Kind::kBoolean:
    case Kind::kInteger:
    case Kind::kReal:
      return 1;
    case Kind::kString:
      return 2;
    case Kind::kTuple:
      return 3;
    case Kind::kUndefined:
      return 4;
    default:
      return 5;
  }
}

int compare_keys(const Value& a, const Value& b) {
  const int rank = key_rank(a.kind);
  if (rank != key_rank(b.kind)) return rank < key_rank(b.kind) ? -1 : 1;
  switch (rank) {
    case 1: {
      const std::partial_ordering order = compare_numbers(a, b);
      if (order == std::partial_ordering::unordered) {
        return static_cast<int>(std::isnan(a.as_real())) - static_cast<int>(std::isnan(b.as_real()));
      }
      return order < 0 ? -1 : order > 0 ? 1 : 0;
    }
    case 2:
      return a.text->bytes.compare(b.text->bytes);
    case 3:
      for (std::size_t i = 0; i < std::min(a.list->items.size(), b.list->items.size()); ++i) {
        if (const int order = compare_keys(a.list->items[i], b.list->items[i]); order != 0) return order;
      }
      return a.list->items.size() < b.list->items.size()   ? -1
             : a.list->items.size() > b.list->items.size() ? 1
                                                           : 0;
    case 5:
      return std::less<>{}(a.object, b.object) ? -1 : a.object != b.object ? 1 : 0;
    default:
      return 0;
  }
}

}  // namespace

bool KeyLess::operator()(const Value& a, const Value& b) const { return compare_keys(a, b) < 0; }

const Value* Dict::find(const Value& key) const {
  if (index != nullptr) {
    const auto found = index->find(key);
    return found == index->end() ? nullptr : &entries[found->second].value;
  }
  for (const DictEntry& entry : entries) {
    if (compare_keys(entry.key, key) == 0) return &entry.value;
  }
  return nullptr;
}

const Value* Dict::find(std::string_view key) const {
  Text text;
  text.bytes = key;
  return find(Value::of(&text));
}

// ---- text

void TextBuilder::mark(std::size_t begin, std::size_t end) {
  if (begin == end) return;
  if (!marks_.empty() && marks_.back().end == begin) {
    marks_.back().end = end;
  } else {
    marks_.push_back({begin, end});
  }
}

void TextBuilder::append(std::string_view trusted) {
  heap_.charge_bytes(trusted.size());
  heap_.check_size(bytes_.size() + trusted.size());
  bytes_ += trusted;
}

void TextBuilder::append(const Text& text, std::size_t begin, std::size_t end) {
  const std::size_t base = bytes_.size();
  append(text.bytes.substr(begin, end - begin));
  if (text.marks.empty()) return;
  auto at = std::ranges::upper_bound(text.marks, begin, {}, &TextSpan::end);
  for (; at != text.marks.end() && at->begin < end; ++at) {
    heap_.charge(1);
    mark(base + std::max(at->begin, begin) - begin, base + std::min(at->end, end) - begin);
  }
}

void TextBuilder::append_marked(std::string_view untrusted) {
  append(untrusted);
  mark(bytes_.size() - untrusted.size(), bytes_.size());
}

void TextBuilder::append_times(std::string_view trusted, std::int64_t times) {
  if (times <= 0 || trusted.empty()) return;
  const auto limit = static_cast<std::int64_t>(std::string_view::npos >> 1);
  if (times > limit / static_cast<std::int64_t>(trusted.size())) heap_.check_size(std::string_view::npos);
  const std::size_t total = trusted.size() * static_cast<std::size_t>(times);
  heap_.check_size(bytes_.size() + total);
  heap_.charge_bytes(total);
  if (trusted.size() == 1) {
    bytes_.append(total, trusted[0]);
  } else {
    for (std::int64_t i = 0; i < times; ++i) bytes_ += trusted;
  }
}

void TextBuilder::spread_marks(std::size_t begin) {
  if (marks_.empty() || marks_.back().end <= begin) return;
  while (!marks_.empty() && marks_.back().begin >= begin) marks_.pop_back();
  if (!marks_.empty()) marks_.back().end = std::min(marks_.back().end, begin);
  mark(begin, bytes_.size());
}

const Text* TextBuilder::finish() {
  Text* text = heap_.make<Text>();
  text->bytes = heap_.keep_text(std::move(bytes_));
  text->marks = heap_.copy(std::span<const TextSpan>(marks_));
  text->characters = count_characters(text->bytes);
  return text;
}

std::size_t character_length(std::string_view bytes, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const auto continues = [&](std::size_t i) { return i < bytes.size() && (byte(i) & 0xC0) == 0x80; };
  // The common cases; decode_utf8() judges the rest.
  const unsigned char lead = byte(at);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF && continues(at + 1)) return 2;
  if (lead >= 0xE1 && lead <= 0xEC && continues(at + 1) && continues(at + 2)) return 3;
  return decode_utf8(bytes.substr(at)).length;
}

std::int64_t count_characters(std::string_view bytes) {
  std::int64_t count = 0;
  for (std::size_t at = 0; at < bytes.size(); at += character_length(bytes, at)) ++count;
  return count;
}

std::size_t byte_offset(const Text& text, std::int64_t character) {
  if (text.is_ascii()) return static_cast<std::size_t>(character);
  if (character >= text.characters) return text.bytes.size();
  std::size_t at = 0;
  for (; character > 0; --character) at += character_length(text.bytes, at);
  return at;
}

std::int64_t character_at_byte(const Text& text, std::size_t byte) {
  return text.is_ascii() ? static_cast<std::int64_t>(byte) : count_characters(text.bytes.substr(0, byte));
}

const Text* new_text(Heap& heap, std::string_view trusted) { return new_text(heap, trusted, false); }

const Text* new_text(Heap& heap, std::string_view bytes, bool marked) {
  heap.check_size(bytes.size());
  Text* text = heap.make<Text>();
  text->bytes = heap.copy_text(bytes);
  text->characters = count_characters(bytes);
  if (marked && !bytes.empty()) {
    const TextSpan all{0, bytes.size()};
    text->marks = heap.copy(std::span<const TextSpan>(&all, 1));
  }
  return text;
}

const Text* new_slice(Heap& heap, const Text& text, std::size_t begin, std::size_t end) {
  if (begin == 0 && end == text.bytes.size()) return &text;
  heap.charge_bytes(end - begin);
  Text* slice = heap.make<Text>();
  slice->bytes = text.bytes.substr(begin, end - begin);
  slice->markup = text.markup;
  slice->characters =
      text.is_ascii() ? static_cast<std::int64_t>(end - begin) : count_characters(slice->bytes);
  const auto first = std::ranges::upper_bound(text.marks, begin, {}, &TextSpan::end);
  const auto last = std::ranges::lower_bound(text.marks, end, {}, &TextSpan::begin);
  if (first >= last) return slice;
  const std::span<TextSpan> marks = heap.copy(std::span<const TextSpan>(first, last));
  for (TextSpan& mark : marks) {
    mark.begin = std::max(mark.begin, begin) - begin;
    mark.end = std::min(mark.end, end) - begin;
  }
  slice->marks = marks;
  return slice;
}

Value new_string(Heap& heap, std::string_view trusted) { return Value::of(new_text(heap, trusted)); }

Value new_list(Heap& heap, std::span<const Value> items) {
  return Value::list_of(heap.make<List>(heap.copy(items)));
}

Value new_tuple(Heap& heap, std::span<const Value> items) {
  return Value::tuple_of(heap.make<List>(heap.copy(items)));
}

Value new_dict(Heap& heap, std::span<const DictEntry> entries) {
  Dict* dict = heap.make<Dict>();
  std::vector<DictEntry> unique;
  unique.reserve(entries.size());
  if (entries.size() > kEntriesWithoutIndex) {
    dict->index = heap.make<std::pmr::map<Value, std::size_t, KeyLess>>(heap.resource());
  }
  for (const DictEntry& entry : entries) {
    require_hashable(heap, entry.key);
    heap.charge(1);
    std::size_t at = unique.size();
    if (dict->index != nullptr) {
      at = dict->index->try_emplace(entry.key, at).first->second;
    } else {
      for (at = 0; at < unique.size() && compare_keys(unique[at].key, entry.key) != 0;) ++at;
    }
    if (at == unique.size())
      unique.push_back(entry);
    else
      unique[at].value = entry.value;
  }
  dict->entries = heap.copy(std::span<const DictEntry>(unique));
  return Value::of(dict);
}

// ---- comparing

std::string_view type_name(const Value& value) {
  switch (value.kind) {
    case Kind::kUndefined:
      return "Undefined";
    case Kind::kNone:
      return "NoneType";
    case Kind::kBoolean:
      return "bool";
    case Kind::kInteger:
      return "int";
    case Kind::kReal:
      return "float";
    case Kind::kString:
      return "str";
    case Kind::kList:
      return "list";
    case Kind::kTuple:
      return "tuple";
    case Kind::kDict:
      return "dict";
    case Kind::kDictView:
      return "dict view";
    case Kind::kRange:
      return "range";
    case Kind::kIterator:
      return "generator";
    case Kind::kNamespace:
      return "Namespace";
    case Kind::kMacro:
      return "Macro";
    case Kind::kMethod:
      return "method";
    case Kind::kFunction:
      return "function";
    case Kind::kLoop:
      return "LoopContext";
    case Kind::kCycler:
      return "Cycler";
    case Kind::kJoiner:
      return "Joiner";
  }
  return "object";
}

std::string absence_message(const Value& undefined) {
  if (undefined.absence == nullptr) return "a value is undefined";
  const Absence& absence = *undefined.absence;
  if (!absence.sentence.empty()) return std::string(absence.sentence);
  std::string key;
  if (absence.key.is_string())
    append_quoted(absence.key.text->bytes.substr(0, 200), key);
  else if (absence.key.is(Kind::kInteger))
    key = fmt::format("{}", absence.key.integer);
  else
    key = type_name(absence.key);
  if (absence.owner.empty()) return fmt::format("{} is undefined", key);
  if (!absence.key.is_string()) return fmt::format("{} object has no element {}", absence.owner, key);
  return fmt::format("'{} object' has no attribute {}", absence.owner, key);
}

void raise_undefined(const Value& undefined) { throw JinjaError{absence_message(undefined)}; }

void require_hashable(Heap& heap, const Value& value, int levels_left) {
  if (value.is_string()) heap.charge_bytes(value.text->bytes.size());
  if (value.is(Kind::kList) || value.is(Kind::kDict) || value.is(Kind::kDictView))
    raise_error("unhashable type: '{}'", type_name(value));
  if (!value.is(Kind::kTuple)) return;
  if (levels_left == 0) raise_error("a tuple is nested too deeply to be a key");
  for (const Value& item : value.list->items) {
    heap.charge(1);
    require_hashable(heap, item, levels_left - 1);
  }
}

bool is_iterable(const Value& value) {
  switch (value.kind) {
    case Kind::kUndefined:
    case Kind::kString:
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kDict:
    case Kind::kDictView:
    case Kind::kRange:
    case Kind::kIterator:
    case Kind::kLoop:
      return true;
    default:
      return false;
  }
}

bool truth(const Value& value) {
  switch (value.kind) {
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBoolean:
      return value.boolean;
    case Kind::kInteger:
      return value.integer != 0;
    case Kind::kReal:
      return value.real != 0;
    case Kind::kString:
      return !value.text->bytes.empty();
    case Kind::kList:
    case Kind::kTuple:
      return !value.list->items.empty();
    case Kind::kDict:
      return !value.dict->entries.empty();
    case Kind::kDictView:
      return !value.view->dict->entries.empty();
    case Kind::kRange:
      return value.range->size != 0;
    default:
      return true;
  }
}

std::partial_ordering compare_numbers(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return a.as_integer() <=> b.as_integer();
  // long double holds every int64 and every double exactly.
  const auto wide = [](const Value& x) {
    return x.is(Kind::kReal) ? static_cast<long double>(x.real) : static_cast<long double>(x.as_integer());
  };
  return wide(a) <=> wide(b);
}

bool equals(Heap& heap, const Value& a, const Value& b) {
  heap.charge(1);
  if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Kind::kUndefined:
    case Kind::kNone:
      return true;
    case Kind::kString:
      heap.charge_bytes(std::min(a.text->bytes.size(), b.text->bytes.size()));
      return a.text->bytes == b.text->bytes;
    case Kind::kList:
    case Kind::kTuple: {
      if (a.list->items.size() != b.list->items.size()) return false;
      const Deeper deeper(heap);
      for (std::size_t i = 0; i < a.list->items.size(); ++i) {
        if (!equals(heap, a.list->items[i], b.list->items[i])) return false;
      }
      return true;
    }
    case Kind::kDict: {
      if (a.dict->entries.size() != b.dict->entries.size()) return false;
      const Deeper deeper(heap);
      for (const DictEntry& entry : a.dict->entries) {
        require_hashable(heap, entry.key);
        const Value* other = b.dict->find(entry.key);
        if (other == nullptr || !equals(heap, entry.value, *other)) return false;
      }
      return true;
    }
    case Kind::kDictView: {
      const Dict &x = *a.view->dict, &y = *b.view->dict;
      if (a.view->part != b.view->part || a.view->part == DictView::Part::kValues)
        return a.object == b.object;
      if (x.entries.size() != y.entries.size()) return false;
      for (const DictEntry& entry : x.entries) {
        require_hashable(heap, entry.key);
        const Value* other = y.find(entry.key);
        if (other == nullptr) return false;
        if (a.view->part == DictView::Part::kItems && !equals(heap, entry.value, *other)) return false;
      }
      return true;
    }
    case Kind::kRange: {
      const Range &x = *a.range, &y = *b.range;
      return x.size == y.size && (x.size == 0 || (x.start == y.start && (x.size == 1 || x.step == y.step)));
    }
    default:
      return a.object == b.object;
  }
}

bool less(Heap& heap, const Value& a, const Value& b, std::string_view operation) {
  heap.charge(1);
  if (a.is_undefined()) raise_undefined(a);
  if (b.is_undefined()) raise_undefined(b);
  if (a.is_number() && b.is_number()) return compare_numbers(a, b) < 0;
  if (a.is_string() && b.is_string()) {
    heap.charge_bytes(std::min(a.text->bytes.size(), b.text->bytes.size()));
    return a.text->bytes < b.text->bytes;
  }
  if (a.is_sequence() && a.kind == b.kind) {
    const Deeper deeper(heap);
    for (std::size_t i = 0; i < std::min(a.list->items.size(), b.list->items.size()); ++i) {
      if (!equals(heap, a.list->items[i], b.list->items[i]))
        return less(heap, a.list->items[i], b.list->items[i], operation);
    }
    return a.list->items.size() < b.list->items.size();
  }
  raise_error("'{}' not supported between instances of '{}' and '{}'", operation, type_name(a), type_name(b));
}

}  // namespace aloud::jinja
