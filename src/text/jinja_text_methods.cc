// The methods of str that cut, join, search and replace. Pieces keep their marks.
#include <algorithm>
#include <cstring>

#include "base/utf8.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_text.h"
#include "text/jinja_unicode.h"

namespace aloud::jinja {
namespace {

constexpr std::int64_t kUnlimited = -1;

std::int64_t optional_integer(const Value* value, std::int64_t standard, std::string_view what) {
  return value == nullptr ? standard : require_integer(*value, what);
}

// The bytes of each character of chars, or null for whitespace.
class Stripper {
 public:
  explicit Stripper(const Value* chars) {
    if (chars == nullptr || chars->is_none()) return;
    const Text& text = require_text(*chars, "strip arg");
    for (std::size_t at = 0; at < text.bytes.size();) {
      const std::size_t length = character_length(text.bytes, at);
      chars_.push_back(text.bytes.substr(at, length));
      at += length;
    }
    std::ranges::sort(chars_);
    strips_space_ = false;
  }

  bool strips(std::string_view character) const {
    if (!strips_space_) return std::ranges::binary_search(chars_, character);
    const CodePoint point = decode_utf8(character);
    return point.valid && is_space(point.value);
  }

 private:
  std::vector<std::string_view> chars_;
  bool strips_space_ = true;
};

std::size_t strip_left(const Text& text, const Stripper& stripper) {
  std::size_t begin = 0;
  while (begin < text.bytes.size()) {
    const std::size_t length = character_length(text.bytes, begin);
    if (!stripper.strips(text.bytes.substr(begin, length))) break;
    begin += length;
  }
  return begin;
}

std::size_t strip_right(const Text& text, const Stripper& stripper, std::size_t begin) {
  std::size_t end = text.bytes.size();
  while (end > begin) {
    const std::size_t last = last_character(text.bytes.substr(begin, end - begin)) + begin;
    if (!stripper.strips(text.bytes.substr(last, end - last))) break;
    end = last;
  }
  return end;
}

template <bool left, bool right>
Value call_strip(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [chars] = bind_positional(arguments, "strip", {"chars"}, 0);
  return Value::of(strip_text(interpreter.heap(), *self.text, chars, left, right));
}

Value pieces_to_list(Heap& heap, const Text& text, const std::vector<TextSpan>& pieces) {
  std::vector<Value> items;
  items.reserve(pieces.size());
  for (const TextSpan& piece : pieces)
    items.push_back(Value::of(new_slice(heap, text, piece.begin, piece.end)));
  return new_list(heap, items);
}

// Words between runs of whitespace, from the left.
std::vector<TextSpan> split_words(Heap& heap, const Text& text, std::int64_t most) {
  std::vector<TextSpan> pieces;
  const Stripper space(nullptr);
  std::size_t at = strip_left(text, space);
  while (at < text.bytes.size()) {
    heap.charge(1);
    std::size_t end = at;
    std::size_t next = text.bytes.size();
    if (most != kUnlimited && static_cast<std::int64_t>(pieces.size()) >= most) {
      end = text.bytes.size();  // the rest as it is, with its trailing whitespace
    } else {
      while (end < text.bytes.size()) {
        const std::size_t length = character_length(text.bytes, end);
        if (space.strips(text.bytes.substr(end, length))) break;
        end += length;
      }
      next = end;
      while (next < text.bytes.size()) {
        const std::size_t length = character_length(text.bytes, next);
        if (!space.strips(text.bytes.substr(next, length))) break;
        next += length;
      }
    }
    pieces.push_back({at, end});
    at = next;
  }
  return pieces;
}

std::vector<TextSpan> split_words_from_right(Heap& heap, const Text& text, std::int64_t most) {
  std::vector<TextSpan> pieces;
  const Stripper space(nullptr);
  std::size_t end = strip_right(text, space, 0);
  while (end > 0) {
    heap.charge(1);
    if (most != kUnlimited && static_cast<std::int64_t>(pieces.size()) >= most) {
      pieces.push_back({0, end});
      break;
    }
    std::size_t begin = end;
    std::size_t gap = 0;
    while (begin > 0) {
      gap = last_character(text.bytes.substr(0, begin));
      if (space.strips(text.bytes.substr(gap, begin - gap))) break;
      begin = gap;
    }
    pieces.push_back({begin, end});
    end = begin;
    while (end > 0) {
      gap = last_character(text.bytes.substr(0, end));
      if (!space.strips(text.bytes.substr(gap, end - gap))) break;
      end = gap;
    }
  }
  std::ranges::reverse(pieces);
  return pieces;
}

std::vector<TextSpan> split_at(Heap& heap, const Text& text, std::string_view separator, std::int64_t most) {
  std::vector<TextSpan> pieces;
  std::size_t at = 0;
  while (most == kUnlimited || static_cast<std::int64_t>(pieces.size()) < most) {
    heap.charge(1);
    const std::size_t found = find_bytes(text.bytes, separator, at);
    if (found == npos) break;
    pieces.push_back({at, found});
    at = found + separator.size();
  }
  pieces.push_back({at, text.bytes.size()});
  return pieces;
}

std::vector<TextSpan> split_from_right(Heap& heap, const Text& text, std::string_view separator,
                                       std::int64_t most) {
  // Seen from behind it is the same split; a search from behind would not be linear.
  std::string reversed(text.bytes.rbegin(), text.bytes.rend());
  const std::string reversed_separator(separator.rbegin(), separator.rend());
  Text mirror;
  mirror.bytes = reversed;
  std::vector<TextSpan> pieces = split_at(heap, mirror, reversed_separator, most);
  std::ranges::reverse(pieces);
  for (TextSpan& piece : pieces) piece = {reversed.size() - piece.end, reversed.size() - piece.begin};
  return pieces;
}

template <bool from_right>
Value call_split(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [separator, most_given] = bind(arguments, "split", {"sep", "maxsplit"}, 0);
  Heap& heap = interpreter.heap();
  const Text& text = *self.text;
  heap.charge_bytes(text.bytes.size());
  const std::int64_t most =
      std::max<std::int64_t>(kUnlimited, optional_integer(most_given, kUnlimited, "maxsplit"));
  if (separator == nullptr || separator->is_none()) {
    return pieces_to_list(
        heap, text, from_right ? split_words_from_right(heap, text, most) : split_words(heap, text, most));
  }
  const std::string_view bytes = require_text(*separator, "separator").bytes;
  if (bytes.empty()) raise_error("empty separator");
  return pieces_to_list(
      heap, text, from_right ? split_from_right(heap, text, bytes, most) : split_at(heap, text, bytes, most));
}

Value call_splitlines(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [keep] = bind(arguments, "splitlines", {"keepends"}, 0);
  const std::vector<TextSpan> lines =
      split_lines(interpreter.heap(), *self.text, keep != nullptr && truth(*keep));
  return pieces_to_list(interpreter.heap(), *self.text, lines);
}

template <bool from_right>
Value call_partition(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [separator] = bind_positional(arguments, "partition", {"sep"}, 1);
  Heap& heap = interpreter.heap();
  const Text &text = *self.text, &middle = require_text(*separator, "separator");
  if (middle.bytes.empty()) raise_error("empty separator");
  heap.charge_bytes(text.bytes.size());
  const std::size_t found =
      from_right ? find_last_bytes(text.bytes, middle.bytes) : find_bytes(text.bytes, middle.bytes, 0);
  const Value nothing = new_string(heap, "");
  if (found == npos) {
    const Value parts[3] = {from_right ? nothing : self, nothing, from_right ? self : nothing};
    return new_tuple(heap, parts);
  }
  const std::size_t after = found + middle.bytes.size();
  const Value parts[3] = {Value::of(new_slice(heap, text, 0, found)), *separator,
                          Value::of(new_slice(heap, text, after, text.bytes.size()))};
  return new_tuple(heap, parts);
}

// The part of a text that find(sub, start, end) and its like look at, in bytes; nothing when start is past
// the end.
struct Window {
  std::size_t begin = 0, end = 0;
  bool is_valid = true;
};

Window window_of(const Text& text, const Value* start, const Value* end) {
  const auto at = [&](const Value* bound, std::int64_t standard) {
    if (bound == nullptr || bound->is_none()) return standard;
    std::int64_t index = require_integer(*bound, "slice indices");
    if (index < 0) index = index < -text.characters ? 0 : index + text.characters;
    return index;
  };
  const std::int64_t first = at(start, 0), last = std::min(at(end, text.characters), text.characters);
  if (first > text.characters || first > last) return {0, 0, false};
  return {byte_offset(text, first), byte_offset(text, last), true};
}

template <bool from_right, bool fails>
Value call_find(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [sub, start, end] = bind_positional(arguments, "find", {"sub", "start", "end"}, 1);
  const Text &text = *self.text, &part = require_text(*sub, "argument 1");
  interpreter.heap().charge_bytes(text.bytes.size());
  const Window window = window_of(text, start, end);
  std::size_t found = npos;
  if (window.is_valid) {
    const std::string_view inside = text.bytes.substr(window.begin, window.end - window.begin);
    found = from_right ? find_last_bytes(inside, part.bytes) : find_bytes(inside, part.bytes, 0);
  }
  if (found == npos && fails) raise_error("substring not found");
  return Value::of(found == npos ? std::int64_t{-1} : character_at_byte(text, window.begin + found));
}

Value call_count(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [sub, start, end] = bind_positional(arguments, "count", {"sub", "start", "end"}, 1);
  const Text &text = *self.text, &part = require_text(*sub, "argument 1");
  interpreter.heap().charge_bytes(text.bytes.size());
  const Window window = window_of(text, start, end);
  if (!window.is_valid) return Value::of(std::int64_t{0});
  const std::string_view inside = text.bytes.substr(window.begin, window.end - window.begin);
  if (part.bytes.empty()) return Value::of(count_characters(inside) + 1);
  std::int64_t count = 0;
  for (std::size_t at = 0; (at = find_bytes(inside, part.bytes, at)) != npos; at += part.bytes.size()) {
    interpreter.heap().charge(1);
    ++count;
  }
  return Value::of(count);
}

template <bool at_end>
Value call_starts_with(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [affix, start, end] =
      bind_positional(arguments, at_end ? "endswith" : "startswith", {"affix", "start", "end"}, 1);
  const Text& text = *self.text;
  const Window window = window_of(text, start, end);
  const std::string_view inside = text.bytes.substr(window.begin, window.end - window.begin);
  const auto matches = [&](const Value& one) {
    const std::string_view bytes =
        require_text(one, at_end ? "endswith first arg" : "startswith first arg").bytes;
    interpreter.heap().charge_bytes(bytes.size());
    return window.is_valid && (at_end ? inside.ends_with(bytes) : inside.starts_with(bytes));
  };
  if (!affix->is(Kind::kTuple)) return Value::of(matches(*affix));
  for (const Value& one : affix->list->items) {
    interpreter.heap().charge(1);
    if (matches(one)) return Value::of(true);
  }
  return Value::of(false);
}

template <bool at_end>
Value call_remove_affix(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [affix] = bind_positional(arguments, at_end ? "removesuffix" : "removeprefix", {"affix"}, 1);
  const Text& text = *self.text;
  const std::string_view bytes = require_text(*affix, "argument").bytes;
  const std::size_t size = text.bytes.size();
  if (bytes.empty() || !(at_end ? text.bytes.ends_with(bytes) : text.bytes.starts_with(bytes))) return self;
  return Value::of(at_end ? new_slice(interpreter.heap(), text, 0, size - bytes.size())
                          : new_slice(interpreter.heap(), text, bytes.size(), size));
}

Value call_replace(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [old_text, new_text, count] = bind_positional(arguments, "replace", {"old", "new", "count"}, 2);
  const Text &from = require_text(*old_text, "replace() argument 1"),
             &to = require_text(*new_text, "replace() argument 2");
  return Value::of(
      replace_text(interpreter.heap(), *self.text, from, to, optional_integer(count, kUnlimited, "count")));
}

Value call_join(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const auto [items] = bind_positional(arguments, "join", {"iterable"}, 1);
  TextBuilder out(interpreter.heap());
  bool first = true;
  for (const Value& item : interpreter.iterate(*items)) {
    interpreter.heap().charge(1);
    if (!item.is_string()) raise_error("sequence item: expected str instance, {} found", type_name(item));
    if (!first) out.append(*self.text);
    first = false;
    out.append(*item.text);
  }
  return Value::of(out.finish());
}

constexpr struct {
  std::string_view name;
  Method::Call call;
} kMethods[] = {
    {"strip", call_strip<true, true>},
    {"lstrip", call_strip<true, false>},
    {"rstrip", call_strip<false, true>},
    {"split", call_split<false>},
    {"rsplit", call_split<true>},
    {"splitlines", call_splitlines},
    {"partition", call_partition<false>},
    {"rpartition", call_partition<true>},
    {"find", call_find<false, false>},
    {"rfind", call_find<true, false>},
    {"index", call_find<false, true>},
    {"rindex", call_find<true, true>},
    {"count", call_count},
    {"startswith", call_starts_with<false>},
    {"endswith", call_starts_with<true>},
    {"removeprefix", call_remove_affix<false>},
    {"removesuffix", call_remove_affix<true>},
    {"replace", call_replace},
    {"join", call_join},
};

}  // namespace

std::size_t last_character(std::string_view bytes) {
  // Back over what may be continuation bytes; malformed bytes are characters of their own.
  std::size_t at = bytes.size() - 1;
  for (int back = 0; back < 4 && at > 0 && (static_cast<unsigned char>(bytes[at]) & 0xC0) == 0x80; ++back)
    --at;
  return at + decode_utf8(bytes.substr(at)).length == bytes.size() ? at : bytes.size() - 1;
}

std::size_t find_bytes(std::string_view text, std::string_view part, std::size_t from) {
  if (from > text.size() || part.size() > text.size() - from) return npos;
  if (part.empty()) return from;
  // Both are linear in glibc.
  const void* found = part.size() == 1
                          ? std::memchr(text.data() + from, part.front(), text.size() - from)
                          : memmem(text.data() + from, text.size() - from, part.data(), part.size());
  return found == nullptr ? npos : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

std::size_t find_last_bytes(std::string_view text, std::string_view part) {
  const std::string mirror(text.rbegin(), text.rend()), mirrored_part(part.rbegin(), part.rend());
  const std::size_t found = find_bytes(mirror, mirrored_part, 0);
  return found == npos ? npos : text.size() - part.size() - found;
}

const Text* strip_text(Heap& heap, const Text& text, const Value* chars, bool left, bool right) {
  heap.charge_bytes(text.bytes.size());
  const Stripper stripper(chars);
  const std::size_t begin = left ? strip_left(text, stripper) : 0;
  return new_slice(heap, text, begin, right ? strip_right(text, stripper, begin) : text.bytes.size());
}

const Text* replace_text(Heap& heap, const Text& text, const Text& from, const Text& to, std::int64_t count) {
  heap.charge_bytes(text.bytes.size());
  TextBuilder out(heap);
  std::size_t at = 0;
  std::int64_t replaced = 0;
  const bool between = from.bytes.empty();  // "" is found before each character and at the end
  for (; count < 0 || replaced < count; ++replaced) {
    heap.charge(1);
    const std::size_t found = find_bytes(text.bytes, from.bytes, at);
    if (found == npos) break;
    out.append(text, at, found);
    out.append(to);
    at = found + from.bytes.size();
    if (!between) continue;
    if (at == text.bytes.size()) return out.finish();
    const std::size_t length = character_length(text.bytes, at);
    out.append(text, at, at + length);
    at += length;
  }
  if (replaced == 0) return &text;
  if (at < text.bytes.size()) out.append(text, at, text.bytes.size());
  return out.finish();
}

std::vector<TextSpan> split_lines(Heap& heap, const Text& text, bool keeps_ends) {
  heap.charge_bytes(text.bytes.size());
  std::vector<TextSpan> lines;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.bytes.size();) {
    const CodePoint point = decode_utf8(text.bytes.substr(at));
    const char32_t c = point.value;
    const bool ends = point.valid && ((c >= 10 && c <= 13) || (c >= 28 && c <= 30) || c == 0x85 ||
                                      c == 0x2028 || c == 0x2029);
    std::size_t next = at + point.length;
    if (ends) {
      heap.charge(1);
      if (c == '\r' && next < text.bytes.size() && text.bytes[next] == '\n') ++next;
      lines.push_back({begin, keeps_ends ? next : at});
      begin = next;
    }
    at = next;
  }
  if (begin < text.bytes.size()) lines.push_back({begin, text.bytes.size()});
  return lines;
}

Method::Call find_text_method(std::string_view name) {
  for (const auto& method : kMethods) {
    if (method.name == name) return method.call;
  }
  return nullptr;
}

}  // namespace aloud::jinja
