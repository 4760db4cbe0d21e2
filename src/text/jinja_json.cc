// From JSON to values and back: the context, and what tojson writes.
#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "text/jinja_interpreter.h"

namespace aloud::jinja {
namespace {

void append_json_string(std::string_view text, bool ascii, std::string& out) {
  out.push_back('"');
  while (!text.empty()) {
    const CodePoint point = decode_utf8(text);
    const std::string_view bytes = text.substr(0, point.length);
    text.remove_prefix(point.length);
    const char32_t c = point.value;
    if (c == '"')
      out += "\\\"";
    else if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\b')
      out += "\\b";
    else if (c == '\f')
      out += "\\f";
    else if (c < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else if (c < 0x80 || !ascii)
      out += bytes;
    else if (c < 0x10000)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else {
      const char32_t rest = c - 0x10000;
      out += fmt::format("\\u{:04x}\\u{:04x}", static_cast<unsigned>(0xD800 + (rest >> 10)),
                         static_cast<unsigned>(0xDC00 + (rest & 0x3FF)));
    }
  }
  out.push_back('"');
}

class JsonWriter {
 public:
  JsonWriter(TextBuilder& out, Heap& heap, const JsonStyle& style) : out_(out), heap_(heap), style_(style) {}

  void write(const Value& value) {
    const Deeper deeper(heap_);
    heap_.charge(1);
    switch (value.kind) {
      case Kind::kNone:
        return out_.append("null");
      case Kind::kBoolean:
        return out_.append(value.boolean ? "true" : "false");
      case Kind::kInteger:
        return out_.append(fmt::format("{}", value.integer));
      case Kind::kReal:
        return out_.append(real(value.real));
      case Kind::kString:
        return write_string(*value.text);
      case Kind::kList:
      case Kind::kTuple:
        return write_list(*value.list);
      case Kind::kDict:
        return write_dict(*value.dict);
      default:
        raise_error("Object of type {} is not JSON serializable", type_name(value));
    }
  }

 private:
  static std::string real(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
    return format_real(value);
  }

  void write_string(const Text& text) {
    std::string quoted;
    append_json_string(text.bytes, style_.ascii, quoted);
    if (text.has_marks())
      out_.append_marked(quoted);
    else
      out_.append(quoted);
  }

  void new_line() {
    if (!style_.indent) return;
    out_.append("\n");
    for (int i = 0; i < level_; ++i) out_.append(*style_.indent);
  }

  void write_list(const List& list) {
    if (list.items.empty()) return out_.append("[]");
    out_.append("[");
    ++level_;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) out_.append(style_.item_separator);
      new_line();
      write(list.items[i]);
    }
    --level_;
    new_line();
    out_.append("]");
  }

  void write_key(const Value& key) {
    switch (key.kind) {
      case Kind::kString:
        return write_string(*key.text);
      case Kind::kNone:
        return out_.append("\"null\"");
      case Kind::kBoolean:
        return out_.append(key.boolean ? "\"true\"" : "\"false\"");
      case Kind::kInteger:
        return out_.append(fmt::format("\"{}\"", key.integer));
      case Kind::kReal:
        return out_.append(fmt::format("\"{}\"", real(key.real)));
      default:
        raise_error("keys must be str, int, float, bool or None, not {}", type_name(key));
    }
  }

  void write_dict(const Dict& dict) {
    if (dict.entries.empty()) return out_.append("{}");
    std::vector<DictEntry> entries(dict.entries.begin(), dict.entries.end());
    if (style_.sort_keys) {
      std::ranges::stable_sort(
          entries, [&](const DictEntry& a, const DictEntry& b) { return less(heap_, a.key, b.key); });
    }
    out_.append("{");
    ++level_;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) out_.append(style_.item_separator);
      new_line();
      write_key(entries[i].key);
      out_.append(style_.key_separator);
      write(entries[i].value);
    }
    --level_;
    new_line();
    out_.append("}");
  }

  TextBuilder& out_;
  Heap& heap_;
  const JsonStyle& style_;
  int level_ = 0;
};

// The text lives in the JSON.
const Text* view_text(Heap& heap, const std::string& bytes, bool untrusted) {
  Text* text = heap.make<Text>();
  text->bytes = bytes;
  text->characters = count_characters(bytes);
  if (untrusted && !bytes.empty()) {
    const TextSpan all{0, bytes.size()};
    text->marks = heap.copy(std::span<const TextSpan>(&all, 1));
  }
  return text;
}

}  // namespace

Value from_json(Heap& heap, const nlohmann::ordered_json& json, bool untrusted) {
  using Type = nlohmann::ordered_json::value_t;
  const Deeper deeper(heap);
  switch (json.type()) {
    case Type::boolean:
      return Value::of(json.get<bool>());
    case Type::number_integer:
      return Value::of(json.get<std::int64_t>());
    case Type::number_unsigned: {
      const auto number = json.get<std::uint64_t>();
      const bool fits = number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
      return fits ? Value::of(static_cast<std::int64_t>(number)) : Value::of(static_cast<double>(number));
    }
    case Type::number_float:
      return Value::of(json.get<double>());
    case Type::string:
      return Value::of(view_text(heap, json.get_ref<const std::string&>(), untrusted));
    case Type::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      for (const auto& item : json) items.push_back(from_json(heap, item, untrusted));
      return new_list(heap, items);
    }
    case Type::object: {
      std::vector<DictEntry> entries;
      entries.reserve(json.size());
      for (const auto& [key, item] : json.items()) {
        entries.push_back({Value::of(view_text(heap, key, untrusted)), from_json(heap, item, untrusted)});
      }
      return new_dict(heap, entries);
    }
    default:
      return Value::none();
  }
}

Value context_variable(Heap& heap, const std::string& name, const nlohmann::ordered_json& json) {
  if (name == "tools" || name == "documents") return from_json(heap, json, true);
  if (name != "messages") return from_json(heap, json, false);
  if (!json.is_array()) return from_json(heap, json, true);
  std::vector<Value> messages;
  for (const auto& message : json) {
    if (!message.is_object()) {
      messages.push_back(from_json(heap, message, true));
      continue;
    }
    std::vector<DictEntry> entries;
    for (const auto& [key, item] : message.items()) {
      entries.push_back({Value::of(view_text(heap, key, true)), from_json(heap, item, key != "role")});
    }
    messages.push_back(new_dict(heap, entries));
  }
  return new_list(heap, messages);
}

void append_json(TextBuilder& out, Heap& heap, const Value& value, const JsonStyle& style) {
  const std::size_t begin = out.bytes().size();
  JsonWriter(out, heap, style).write(value);
  out.spread_marks(begin);
}

}  // namespace aloud::jinja
