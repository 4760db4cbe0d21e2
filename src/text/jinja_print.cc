// str() and repr() of values, as Python writes them.
#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "text/jinja_unicode.h"
#include "text/jinja_value.h"

namespace aloud::jinja {
namespace {

void append_items(TextBuilder& out, Heap& heap, std::span<const Value> items) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out.append(", ");
    append_repr(out, heap, items[i]);
  }
}

void append_entries(TextBuilder& out, Heap& heap, std::span<const DictEntry> entries) {
  out.append("{");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i > 0) out.append(", ");
    append_repr(out, heap, entries[i].key);
    out.append(": ");
    append_repr(out, heap, entries[i].value);
  }
  out.append("}");
}

void append_view(TextBuilder& out, Heap& heap, const DictView& view) {
  using ViewPart = DictView::Part;
  out.append(view.part == ViewPart::kKeys     ? "dict_keys(["
             : view.part == ViewPart::kValues ? "dict_values(["
                                              : "dict_items([");
  bool first = true;
  for (const DictEntry& entry : view.dict->entries) {
    if (!first) out.append(", ");
    first = false;
    if (view.part == ViewPart::kItems) out.append("(");
    if (view.part != ViewPart::kValues) append_repr(out, heap, entry.key);
    if (view.part == ViewPart::kItems) out.append(", ");
    if (view.part != ViewPart::kKeys) append_repr(out, heap, entry.value);
    if (view.part == ViewPart::kItems) out.append(")");
  }
  out.append("])");
}

void append_text_repr(TextBuilder& out, const Text& text) {
  std::string quoted;
  append_quoted(text.bytes, quoted);
  if (text.markup) out.append("Markup(");
  if (text.has_marks())
    out.append_marked(quoted);
  else
    out.append(quoted);
  if (text.markup) out.append(")");
}

void append_range(TextBuilder& out, const Range& range) {
  if (range.step == 1)
    out.append(fmt::format("range({}, {})", range.start, range.stop));
  else
    out.append(fmt::format("range({}, {}, {})", range.start, range.stop, range.step));
}

}  // namespace

std::string format_real(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  // The shortest digits that read back as the same number.
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific).ptr;
  const std::string_view written(buffer, static_cast<std::size_t>(end - buffer));
  const std::size_t e = written.find('e');
  int exponent = 0;
  const std::size_t sign_length = written[e + 1] == '+' ? 1 : 0;
  std::from_chars(buffer + e + 1 + sign_length, end, exponent);
  std::string digits;
  for (const char c : written.substr(0, e)) {
    if (c >= '0' && c <= '9') digits.push_back(c);
  }
  const std::string_view sign = std::signbit(value) ? "-" : "";
  if (exponent < -4 || exponent >= 16) {
    const std::string_view point = digits.size() > 1 ? "." : "";
    return fmt::format("{}{}{}{}e{}{:02}", sign, digits[0], point, digits.substr(1), exponent < 0 ? '-' : '+',
                       std::abs(exponent));
  }
  if (exponent < 0)
    return fmt::format("{}0.{:0>{}}", sign, digits, digits.size() + static_cast<std::size_t>(-exponent - 1));
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return fmt::format("{}{:0<{}}.0", sign, digits, whole);
  return fmt::format("{}{}.{}", sign, digits.substr(0, whole), digits.substr(whole));
}

void append_quoted(std::string_view text, std::string& out) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const char quote = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
  out.push_back(quote);
  while (!text.empty()) {
    const CodePoint point = decode_utf8(text);
    const std::string_view bytes = text.substr(0, point.length);
    text.remove_prefix(point.length);
    const char32_t c = point.value;
    if (!point.valid)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes[0]));
    else if (c == static_cast<char32_t>(quote) || c == '\\')
      (out += '\\') += static_cast<char>(c);
    else if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else if (c >= 32 && c < 127)
      out.push_back(static_cast<char>(c));
    else if ((classes_of(c) & kPrintable) != 0)
      out += bytes;
    else if (c < 0x100)
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    else if (c < 0x10000)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += fmt::format("\\U{:08x}", static_cast<unsigned>(c));
  }
  out.push_back(quote);
}

void append_repr(TextBuilder& out, Heap& heap, const Value& value) {
  const Deeper deeper(heap);
  heap.charge(1);
  switch (value.kind) {
    case Kind::kUndefined:
      return out.append("Undefined");
    case Kind::kNone:
      return out.append("None");
    case Kind::kBoolean:
      return out.append(value.boolean ? "True" : "False");
    case Kind::kInteger:
      return out.append(fmt::format("{}", value.integer));
    case Kind::kReal:
      return out.append(format_real(value.real));
    case Kind::kString:
      return append_text_repr(out, *value.text);
    case Kind::kList:
      out.append("[");
      append_items(out, heap, value.list->items);
      return out.append("]");
    case Kind::kTuple:
      out.append("(");
      append_items(out, heap, value.list->items);
      return out.append(value.list->items.size() == 1 ? ",)" : ")");
    case Kind::kDict:
      return append_entries(out, heap, value.dict->entries);
    case Kind::kDictView:
      return append_view(out, heap, *value.view);
    case Kind::kRange:
      return append_range(out, *value.range);
    case Kind::kNamespace:
      out.append("<Namespace ");
      append_entries(out, heap, value.space->attributes);
      return out.append(">");
    default:
      return out.append(fmt::format("<{} object>", type_name(value)));
  }
}

void append_str(TextBuilder& out, Heap& heap, const Value& value) {
  heap.charge(1);
  if (value.is_string()) return out.append(*value.text);
  if (value.is_undefined()) return;
  const std::size_t begin = out.bytes().size();
  append_repr(out, heap, value);
  out.spread_marks(begin);
}

const Text* to_text(Heap& heap, const Value& value) {
  if (value.is_string()) return value.text;
  TextBuilder out(heap);
  append_str(out, heap, value);
  return out.finish();
}

}  // namespace aloud::jinja
