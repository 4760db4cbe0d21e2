// The filters over strings.
#include <algorithm>

#include "base/utf8.h"
#include "text/jinja_filters.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_text.h"
#include "text/jinja_unicode.h"

namespace aloud::jinja {
namespace {

const Text& input_text(Interpreter& interpreter, const Value& input) {
  const Text* text = to_text(interpreter.heap(), input);
  charge_characters(interpreter.heap(), *text);
  return *text;
}

template <std::string (*change)(std::string_view)>
Value apply_change(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  expect_none(arguments, "the filter");
  const Text& text = input_text(interpreter, input);
  return Value::of(changed_text(interpreter.heap(), text, change(text.bytes)));
}

// Jinja's own title(): words begin after whitespace, "-" and opening brackets.
std::string title_words(std::string_view text) {
  std::string out;
  bool begins = true;
  std::string word;
  const auto flush = [&] {
    const std::size_t first = word.empty() ? 0 : decode_utf8(word).length;
    out += to_upper(std::string_view(word).substr(0, first));
    out += to_lower(std::string_view(word).substr(first));
    word.clear();
  };
  while (!text.empty()) {
    const CodePoint point = decode_utf8(text);
    begins = point.valid &&
             (is_space(point.value) ||
              (point.value < 128 && std::string_view("-({[<").find(static_cast<char>(point.value)) != npos));
    if (begins) {
      flush();
      out += text.substr(0, point.length);
    } else {
      word += text.substr(0, point.length);
    }
    text.remove_prefix(point.length);
  }
  flush();
  return out;
}

Value apply_string(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  expect_none(arguments, "string");
  return Value::of(to_text(interpreter.heap(), input));
}

Value apply_trim(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [chars] = bind(arguments, "trim", {"chars"}, 0);
  return Value::of(strip_text(interpreter.heap(), *to_text(interpreter.heap(), input), chars, true, true));
}

Value apply_replace(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [from, to, count] = bind(arguments, "replace", {"old", "new", "count"}, 2);
  Heap& heap = interpreter.heap();
  const std::int64_t most = count == nullptr || count->is_none() ? -1 : require_integer(*count, "count");
  return Value::of(
      replace_text(heap, *to_text(heap, input), *to_text(heap, *from), *to_text(heap, *to), most));
}

Value apply_center(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [width] = bind(arguments, "center", {"width"}, 0);
  Heap& heap = interpreter.heap();
  const std::int64_t columns = width == nullptr ? 80 : require_integer(*width, "width");
  return Value::of(pad_text(heap, *to_text(heap, input), columns, Align::kCenter, *new_text(heap, " ")));
}

Value apply_format(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  Heap& heap = interpreter.heap();
  if (!arguments.positional.empty() && !arguments.named.empty()) {
    raise_error("can't handle positional and keyword arguments at the same time");
  }
  std::vector<DictEntry> entries;
  for (const NamedValue& argument : arguments.named)
    entries.push_back({new_string(heap, argument.name), argument.value});
  const Value values = entries.empty() ? new_tuple(heap, arguments.positional) : new_dict(heap, entries);
  return Value::of(format_percent(interpreter, *to_text(heap, input), values));
}

Value apply_indent(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [width, first_given, blank_given] = bind(arguments, "indent", {"width", "first", "blank"}, 0);
  Heap& heap = interpreter.heap();
  const bool blank = blank_given != nullptr && truth(*blank_given);
  const Text& text = require_text(input, "indent's input");
  TextBuilder spaces(heap);
  if (width != nullptr && width->is_string())
    spaces.append(*width->text);
  else
    spaces.append_times(" ", width == nullptr ? 4 : require_integer(*width, "width"));
  const Text& indention = *spaces.finish();
  // A newline at the end makes one more, empty line.
  std::vector<TextSpan> lines = split_lines(heap, text, false);
  const std::size_t covered = lines.empty() ? 0 : lines.back().end;
  if (lines.empty() || covered < text.bytes.size()) lines.push_back({text.bytes.size(), text.bytes.size()});
  TextBuilder out(heap);
  if (first_given != nullptr && truth(*first_given)) out.append(indention);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    heap.charge(1);
    if (i > 0) out.append("\n");
    if (i > 0 && (blank || lines[i].begin < lines[i].end)) out.append(indention);
    out.append(text, lines[i].begin, lines[i].end);
  }
  return Value::of(out.finish());
}

Value apply_truncate(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [length_given, kill, end_given, leeway_given] =
      bind(arguments, "truncate", {"length", "killwords", "end", "leeway"}, 0);
  Heap& heap = interpreter.heap();
  const std::int64_t length = length_given == nullptr ? 255 : require_integer(*length_given, "length");
  const std::int64_t leeway =
      leeway_given == nullptr || leeway_given->is_none() ? 5 : require_integer(*leeway_given, "leeway");
  const Text& end = end_given == nullptr ? *new_text(heap, "...") : require_text(*end_given, "end");
  if (length < end.characters) raise_error("expected length >= {}, got {}", end.characters, length);
  if (leeway < 0) raise_error("expected leeway >= 0, got {}", leeway);
  if (interpreter.length(input) <= length + std::min<std::int64_t>(leeway, 1 << 30)) return input;
  const Text& text = require_text(input, "truncate's input");
  std::size_t cut = byte_offset(text, length - end.characters);
  if (kill == nullptr || !truth(*kill)) {
    const std::size_t space = text.bytes.substr(0, cut).rfind(' ');
    if (space != npos) cut = space;
  }
  TextBuilder out(heap);
  out.append(text, 0, cut);
  out.append(end);
  return Value::of(out.finish());
}

bool is_word_character(char32_t c) {
  return c == '_' || (classes_of(c) & (kAlpha | kDecimal | kDigit | kNumeric)) != 0;
}

Value apply_wordcount(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  expect_none(arguments, "wordcount");
  std::string_view rest = input_text(interpreter, input).bytes;
  std::int64_t words = 0;
  bool inside = false;
  while (!rest.empty()) {
    const CodePoint point = decode_utf8(rest);
    const bool is_word = point.valid && is_word_character(point.value);
    if (is_word && !inside) ++words;
    inside = is_word;
    rest.remove_prefix(point.length);
  }
  return Value::of(words);
}

// ---- HTML and URLs

Value as_markup(Heap& heap, const Text& text) {
  if (text.markup) return Value::of(&text);
  Text* markup = heap.make<Text>(text);
  markup->markup = true;
  return Value::of(markup);
}

Value apply_escape(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  expect_none(arguments, "escape");
  const Text* text = to_text(interpreter.heap(), input);
  return Value::of(text->markup ? text : escape_markup(interpreter.heap(), *text));
}

Value apply_forceescape(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  expect_none(arguments, "forceescape");
  return Value::of(escape_markup(interpreter.heap(), *to_text(interpreter.heap(), input)));
}

Value apply_safe(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  expect_none(arguments, "safe");
  return as_markup(interpreter.heap(), *to_text(interpreter.heap(), input));
}

std::string unescape_entities(std::string_view text) {
  struct Entity {
    std::string_view name, character;
  };
  constexpr Entity kEntities[] = {
      {"&amp;", "&"},    {"&lt;", "<"},    {"&gt;", ">"},          {"&quot;", "\""}, {"&#34;", "\""},
      {"&#39;", "'"},    {"&apos;", "'"},  {"&nbsp;", "\xC2\xA0"}, {"&raquo;", "»"}, {"&laquo;", "«"},
      {"&hellip;", "…"}, {"&mdash;", "—"}, {"&ndash;", "–"},       {"&copy;", "©"},  {"&reg;", "®"}};
  std::string out;
  while (!text.empty()) {
    const auto* entity =
        text[0] != '&'
            ? std::end(kEntities)
            : std::ranges::find_if(kEntities, [&](const Entity& e) { return text.starts_with(e.name); });
    if (entity != std::end(kEntities)) {
      out += entity->character;
      text.remove_prefix(entity->name.size());
    } else {
      out.push_back(text[0]);
      text.remove_prefix(1);
    }
  }
  return out;
}

Value apply_striptags(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  expect_none(arguments, "striptags");
  const Text& text = input_text(interpreter, input);
  std::string kept;
  std::string_view rest = text.bytes;
  for (const auto& [open, close] :
       {std::pair<std::string_view, std::string_view>{"<!--", "-->"}, {"<", ">"}}) {
    std::string without;
    while (true) {
      const std::size_t begin = rest.find(open);
      const std::size_t end = begin == npos ? npos : rest.find(close, begin);
      without += rest.substr(0, end == npos ? npos : begin);
      if (end == npos) break;
      rest.remove_prefix(end + close.size());
    }
    kept = std::move(without);
    rest = kept;
  }
  std::string words;
  while (!rest.empty()) {
    const CodePoint point = decode_utf8(rest);
    if (!point.valid || !is_space(point.value))
      words += rest.substr(0, point.length);
    else if (!words.empty() && words.back() != ' ')
      words.push_back(' ');
    rest.remove_prefix(point.length);
  }
  if (words.ends_with(' ')) words.pop_back();
  return Value::of(new_text(interpreter.heap(), unescape_entities(words), text.has_marks()));
}

void append_quoted_url(std::string_view text, bool is_query, std::string& out) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = byte < 128 && (std::isalnum(byte) != 0 || std::string_view("_.-~").find(c) != npos);
    if (is_plain || (c == '/' && !is_query))
      out.push_back(c);
    else if (c == ' ' && is_query)
      out.push_back('+');
    else
      out += fmt::format("%{:02X}", byte);
  }
}

Value apply_urlencode(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  expect_none(arguments, "urlencode");
  Heap& heap = interpreter.heap();
  std::string out;
  bool is_marked = false;
  const auto append = [&](const Value& value, bool is_query) {
    const Text& text = input_text(interpreter, value);
    is_marked |= text.has_marks();
    append_quoted_url(text.bytes, is_query, out);
  };
  if (input.is_string() || !is_iterable(input)) {
    append(input, false);
  } else {
    std::vector<DictEntry> pairs;
    if (input.is(Kind::kDict)) {
      pairs.assign(input.dict->entries.begin(), input.dict->entries.end());
    } else {
      for (const Value& item : interpreter.iterate(input)) {
        const std::span<const Value> pair = interpreter.iterate(item);
        if (pair.size() != 2) raise_error("urlencode needs pairs");
        pairs.push_back({pair[0], pair[1]});
      }
    }
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (i > 0) out.push_back('&');
      append(pairs[i].key, true);
      out.push_back('=');
      append(pairs[i].value, true);
    }
  }
  heap.charge_bytes(out.size());
  return Value::of(new_text(heap, out, is_marked));
}

Value apply_xmlattr(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [autospace] = bind(arguments, "xmlattr", {"autospace"}, 0);
  Heap& heap = interpreter.heap();
  if (input.is_undefined()) raise_undefined(input);
  if (!input.is(Kind::kDict)) raise_error("'{}' object has no attribute 'items'", type_name(input));
  TextBuilder out(heap);
  for (const DictEntry& entry : input.dict->entries) {
    if (entry.value.is_none() || entry.value.is_undefined()) continue;
    const Text& key = require_text(entry.key, "an attribute's name");
    if (key.bytes.find_first_of(" \t\n\r\f\v/>=") != npos) raise_error("Invalid character in attribute name");
    const bool leads = out.bytes().empty() && autospace != nullptr && !truth(*autospace);
    if (!leads) out.append(" ");
    out.append(*escape_markup(heap, key));
    out.append("=\"");
    const Text* value = to_text(heap, entry.value);
    out.append(value->markup ? *value : *escape_markup(heap, *value));
    out.append("\"");
  }
  return Value::of(out.finish());
}

constexpr Filter kTextFilters[] = {
    {"capitalize", apply_change<to_capitalized>},
    {"center", apply_center},
    {"e", apply_escape},
    {"escape", apply_escape},
    {"forceescape", apply_forceescape},
    {"format", apply_format},
    {"indent", apply_indent},
    {"lower", apply_change<to_lower>},
    {"replace", apply_replace},
    {"safe", apply_safe},
    {"string", apply_string},
    {"striptags", apply_striptags},
    {"title", apply_change<title_words>},
    {"trim", apply_trim},
    {"truncate", apply_truncate},
    {"upper", apply_change<to_upper>},
    {"urlencode", apply_urlencode},
    {"wordcount", apply_wordcount},
    {"wordwrap", apply_wordwrap},
    {"xmlattr", apply_xmlattr},
};

}  // namespace

std::span<const Filter> text_filters() { return kTextFilters; }

const Text* escape_markup(Heap& heap, const Text& text) {
  TextBuilder out(heap);
  std::size_t at = 0;
  while (at < text.bytes.size()) {
    const std::size_t found = std::min(text.bytes.find_first_of("&<>'\"", at), text.bytes.size());
    out.append(text, at, found);
    if (found == text.bytes.size()) break;
    heap.charge(1);
    const char c = text.bytes[found];
    out.append(c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '\'' ? "&#39;" : "&#34;");
    at = found + 1;
  }
  // The entities stand for characters of the text: they are as trusted as it is.
  Text* escaped = heap.make<Text>(*(text.has_marks() ? new_text(heap, out.bytes(), true) : out.finish()));
  escaped->markup = true;
  return escaped;
}

}  // namespace aloud::jinja
