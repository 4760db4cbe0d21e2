// Formatting: "%5.2f" % x, "{:>8}".format(x), and the padding, signs and grouping they share.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/utf8.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_text.h"

namespace aloud::jinja {
namespace {

constexpr std::int64_t kLargestPrecision = 400;

// Both notations in one: what is not said is as it stands here.
struct Format {
  std::string_view fill = " ";
  char align = '\0';  // '<', '>', '^', '=' (after the sign)
  char sign = '-';
  bool alternate = false;
  char grouping = '\0';
  std::int64_t width = 0;
  std::int64_t precision = -1;
  char type = '\0';
};

// A number that stands in a format; large ones are cut, the size check refuses them.
std::int64_t read_number(std::string_view text, std::size_t& at) {
  std::int64_t number = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    number = std::min<std::int64_t>(number * 10 + (text[at] - '0'), std::int64_t{1} << 50);
  }
  return number;
}

std::string group_digits(std::string_view digits, char separator, std::size_t size) {
  if (separator == '\0') return std::string(digits);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % size == 0) out.push_back(separator);
    out.push_back(digits[i]);
  }
  return out;
}

// The digits of |value| as the type asks: d, x, X, o, b; with a prefix when the format is alternate.
std::string integer_digits(std::int64_t value, const Format& format, std::string& prefix) {
  const std::uint64_t size =
      value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  std::string digits;
  switch (format.type) {
    case 'x':
      digits = fmt::format("{:x}", size);
      prefix = "0x";
      break;
    case 'X':
      digits = fmt::format("{:X}", size);
      prefix = "0X";
      break;
    case 'o':
      digits = fmt::format("{:o}", size);
      prefix = "0o";
      break;
    case 'b':
      digits = fmt::format("{:b}", size);
      prefix = "0b";
      break;
    default:
      digits = fmt::format("{}", size);
      break;
  }
  if (!format.alternate) prefix.clear();
  return group_digits(digits, format.grouping,
                      prefix.empty() && format.type != 'x' && format.type != 'b' ? 3 : 4);
}

std::string real_digits(double value, const Format& format) {
  const double size = std::fabs(value);
  char type = format.type;
  if (!std::isfinite(size)) {
    const std::string name = std::isnan(size) ? "nan" : "inf";
    const std::string upper = std::isnan(size) ? "NAN" : "INF";
    return (type == 'F' || type == 'E' || type == 'G' ? upper : name) + (type == '%' ? "%" : "");
  }
  if (type == '\0' && format.precision < 0) {
    const std::string digits = format_real(size);
    const std::size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
    return group_digits(std::string_view(digits).substr(0, whole), format.grouping, 3) + digits.substr(whole);
  }
  if (format.precision > kLargestPrecision) raise_error("the precision is larger than {}", kLargestPrecision);
  const int precision = static_cast<int>(format.precision < 0 ? 6 : format.precision);
  if (type == '\0' || type == 'n') type = 'g';
  const std::string conversion = std::string(format.alternate ? "%#.*" : "%.*") + (type == '%' ? 'f' : type);
  char buffer[1024];
  std::snprintf(buffer, sizeof(buffer), conversion.c_str(), precision, type == '%' ? size * 100 : size);
  const std::string digits = buffer;
  const std::size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
  return group_digits(std::string_view(digits).substr(0, whole), format.grouping, 3) + digits.substr(whole) +
         (type == '%' ? "%" : "");
}

// Puts fill around sign and body; marks go with the body.
void append_padded(TextBuilder& out, const Format& format, char standard_align, std::string_view sign,
                   const Text& body) {
  const std::int64_t size = static_cast<std::int64_t>(sign.size()) + body.characters;
  const std::int64_t padding = std::max<std::int64_t>(0, format.width - size);
  const char align = format.align == '\0' ? standard_align : format.align;
  const std::int64_t left = align == '<' ? 0 : align == '^' ? padding / 2 : padding;
  if (align != '=') out.append_times(format.fill, left);
  out.append(sign);
  if (align == '=') out.append_times(format.fill, left);
  out.append(body);
  out.append_times(format.fill, padding - left);
}

std::string_view sign_of(bool is_negative, char sign) {
  if (is_negative) return "-";
  return sign == '+' ? "+" : sign == ' ' ? " " : "";
}

void append_integer(TextBuilder& out, Heap& heap, std::int64_t value, const Format& format) {
  std::string prefix;
  std::string digits = integer_digits(value, format, prefix);
  if (format.precision > static_cast<std::int64_t>(digits.size())) {  // only "%.5d" has one
    heap.check_size(static_cast<std::size_t>(format.precision));
    heap.charge_bytes(static_cast<std::size_t>(format.precision));
    digits.insert(0, static_cast<std::size_t>(format.precision) - digits.size(), '0');
  }
  const std::string sign = std::string(sign_of(value < 0, format.sign)) + prefix;
  append_padded(out, format, '>', sign, *new_text(heap, digits));
}

void append_real(TextBuilder& out, Heap& heap, double value, const Format& format) {
  append_padded(out, format, '>', sign_of(std::signbit(value) && !std::isnan(value), format.sign),
                *new_text(heap, real_digits(value, format)));
}

void append_text(TextBuilder& out, Heap& heap, const Text& text, const Format& format) {
  const Text* cut = &text;
  if (format.precision >= 0 && format.precision < text.characters) {
    cut = new_slice(heap, text, 0, byte_offset(text, format.precision));
  }
  append_padded(out, format, '<', "", *cut);
}

const Text* repr_text(Heap& heap, const Value& value) {
  TextBuilder out(heap);
  append_repr(out, heap, value);
  out.spread_marks(0);
  return out.finish();
}

void append_character(TextBuilder& out, const Value& value) {
  if (value.is_string() && value.text->characters == 1) return out.append(*value.text);
  if (!value.is_integral()) raise_error("%c requires int or char");
  const std::int64_t code = value.as_integer();
  if (code < 0 || code > 0x10FFFF) raise_error("%c arg not in range(0x110000)");
  std::string character;
  append_utf8(static_cast<char32_t>(code), character);
  out.append_marked(character);  // a number may come from anywhere, and so this character
}

// ---- "..." % values

class PercentFormatter {
 public:
  PercentFormatter(Interpreter& interpreter, const Text& format, const Value& values)
      : interpreter_(interpreter), heap_(interpreter.heap()), format_(format), values_(values), out_(heap_) {
    is_tuple_ = values.is(Kind::kTuple);
  }

  const Text* run() {
    const std::string_view text = format_.bytes;
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t percent = std::min(find_bytes(text, "%", at), text.size());
      out_.append(format_, at, percent);
      at = percent;
      if (at < text.size()) convert(at);
    }
    const std::size_t given = is_tuple_ ? values_.list->items.size() : 1;
    const bool may_be_left = values_.is(Kind::kDict) || values_.is(Kind::kList) || values_.is(Kind::kRange) ||
                             values_.is_undefined();
    if (used_ < given && !used_names_ && !may_be_left)
      raise_error("not all arguments converted during string formatting");
    return out_.finish();
  }

 private:
  Value next() {
    const std::size_t given = is_tuple_ ? values_.list->items.size() : 1;
    if (used_ >= given) raise_error("not enough arguments for format string");
    ++used_;
    return is_tuple_ ? values_.list->items[used_ - 1] : values_;
  }

  std::int64_t read_or_next(std::size_t& at) {
    if (at < format_.bytes.size() && format_.bytes[at] == '*') {
      ++at;
      return require_integer(next(), "*");
    }
    return read_number(format_.bytes, at);
  }

  void convert(std::size_t& at) {
    heap_.charge(1);
    const std::string_view text = format_.bytes;
    ++at;
    std::optional<Value> named;
    if (at < text.size() && text[at] == '(') {
      const std::size_t close = text.find(')', at);
      if (close == npos) raise_error("incomplete format key");
      if (!values_.is(Kind::kDict)) raise_error("format requires a mapping");
      const Value* found = values_.dict->find(text.substr(at + 1, close - at - 1));
      if (found == nullptr)
        raise_error("'{}' is missing from the mapping", text.substr(at + 1, close - at - 1));
      named = *found;
      used_names_ = true;
      at = close + 1;
    }
    Format format;
    for (; at < text.size() && std::string_view("-+ #0").find(text[at]) != npos; ++at) {
      if (text[at] == '-')
        format.align = '<';
      else if (text[at] == '0')
        format.fill = "0";
      else if (text[at] == '#')
        format.alternate = true;
      else if (format.sign != '+')
        format.sign = text[at];
    }
    format.width = read_or_next(at);
    if (format.width < 0)
      format.align = '<', format.width = -std::max(format.width, -(std::int64_t{1} << 50));
    if (at < text.size() && text[at] == '.') {
      ++at;
      format.precision = std::max<std::int64_t>(0, read_or_next(at));
    }
    while (at < text.size() && (text[at] == 'l' || text[at] == 'h' || text[at] == 'L')) ++at;
    if (at >= text.size()) raise_error("incomplete format");
    const char type = text[at++];
    if (type == '%') return out_.append("%");
    append(named ? *named : next(), type, format);
  }

  void append(const Value& value, char type, Format& format) {
    const bool is_number = std::string_view("diuoxXeEfFgG").find(type) != npos;
    if (!is_number) format.fill = " ";
    if (format.align == '<')
      format.fill = " ";
    else
      format.align = format.fill == "0" ? '=' : '>';
    format.type = type;
    switch (type) {
      case 's':
        return append_text(out_, heap_, *to_text(heap_, value), format);
      case 'r':
      case 'a':
        return append_text(out_, heap_, *repr_text(heap_, value), format);
      case 'c':
        return append_character(out_, value);
      default:
        break;
    }
    if (!is_number) raise_error("unsupported format character '{}'", printable_character(type));
    if (value.is_undefined()) raise_undefined(value);
    if (!value.is_number())
      raise_error("%{} format: a real number is required, not {}", type, type_name(value));
    if (std::string_view("diuoxX").find(type) == npos)
      return append_real(out_, heap_, value.as_real(), format);
    if (value.is(Kind::kReal)) {
      if (!(std::fabs(value.real) < 9.2e18)) raise_error("a float is too large for %{}", type);
      if (type == 'o' || type == 'x' || type == 'X')
        raise_error("%{} format: an integer is required, not float", type);
      return append_integer(out_, heap_, static_cast<std::int64_t>(value.real), format);
    }
    append_integer(out_, heap_, value.as_integer(), format);
  }

  static std::string printable_character(char c) {
    return c >= 32 && c < 127 ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }

  Interpreter& interpreter_;
  Heap& heap_;
  const Text& format_;
  const Value& values_;
  TextBuilder out_;
  bool is_tuple_ = false;
  bool used_names_ = false;
  std::size_t used_ = 0;
};

// ---- "...".format(values)

class BraceFormatter {
 public:
  BraceFormatter(Interpreter& interpreter, const Arguments& arguments)
      : interpreter_(interpreter), heap_(interpreter.heap()), arguments_(arguments) {}

  void run(TextBuilder& out, const Text& format, int levels_left) {
    const std::string_view text = format.bytes;
    std::size_t at = 0;
    while (at < text.size()) {
      heap_.charge(1);
      const std::size_t brace = std::min(text.find_first_of("{}", at), text.size());
      out.append(format, at, brace);
      at = brace;
      if (at == text.size()) break;
      const char c = text[at];
      if (at + 1 < text.size() && text[at + 1] == c) {
        out.append(format, at, at + 1);
        at += 2;
      } else if (c == '}') {
        raise_error("Single '}}' encountered in format string");
      } else {
        const std::size_t close = field_end(text, at + 1);
        append_field(out, *new_slice(heap_, format, at + 1, close), levels_left);
        at = close + 1;
      }
    }
  }

 private:
  static std::size_t field_end(std::string_view text, std::size_t at) {
    int open = 1;
    for (; at < text.size(); ++at) {
      if (text[at] == '{') ++open;
      if (text[at] == '}' && --open == 0) return at;
    }
    raise_error("expected '}}' before end of string");
  }

  void append_field(TextBuilder& out, const Text& field, int levels_left) {
    if (levels_left == 0) raise_error("Max string recursion exceeded");
    const std::string_view text = field.bytes;
    std::size_t end = 0;
    for (int brackets = 0; end < text.size(); ++end) {
      if (text[end] == '[') ++brackets;
      if (text[end] == ']') --brackets;
      if (brackets <= 0 && (text[end] == '!' || text[end] == ':')) break;
    }
    Value value = look_up(text.substr(0, end));
    char conversion = '\0';
    if (end < text.size() && text[end] == '!') {
      if (end + 1 >= text.size()) raise_error("end of string while looking for conversion specifier");
      conversion = text[end + 1];
      end += 2;
      if (end < text.size() && text[end] != ':') raise_error("expected ':' after conversion specifier");
    }
    TextBuilder specification(heap_);
    if (end < text.size())
      run(specification, *new_slice(heap_, field, end + 1, text.size()), levels_left - 1);
    if (conversion == 's')
      value = Value::of(to_text(heap_, value));
    else if (conversion == 'r' || conversion == 'a')
      value = Value::of(repr_text(heap_, value));
    else if (conversion != '\0')
      raise_error("Unknown conversion specifier");
    append_value(out, value, specification.bytes());
  }

  Value look_up(std::string_view name) {
    std::size_t at = std::min(name.find_first_of(".["), name.size());
    const std::string_view first = name.substr(0, at);
    Value value;
    if (first.find_first_not_of("0123456789") == npos) {
      std::size_t digits = 0;
      const std::int64_t index = first.empty() ? next_++ : read_number(first, digits);
      if (index >= static_cast<std::int64_t>(arguments_.positional.size())) {
        raise_error("Replacement index {} out of range for positional args tuple", index);
      }
      value = arguments_.positional[static_cast<std::size_t>(index)];
    } else {
      const auto found = std::ranges::find(arguments_.named, first, &NamedValue::name);
      if (found == arguments_.named.end()) raise_error("'{}' is missing from format()'s arguments", first);
      value = found->value;
    }
    while (at < name.size()) {
      heap_.charge(1);
      if (name[at] == '.') {
        const std::size_t end = std::min(name.find_first_of(".[", at + 1), name.size());
        if (end == at + 1) raise_error("Empty attribute in format string");
        value = interpreter_.get_attribute(value, new_string(heap_, name.substr(at + 1, end - at - 1)));
        at = end;
      } else if (name[at] == '[') {
        const std::size_t end = name.find(']', at);
        if (end == npos || end == at + 1) raise_error("Empty attribute in format string");
        const std::string_view key = name.substr(at + 1, end - at - 1);
        std::size_t digits = 0;
        const bool is_index = key.find_first_not_of("0123456789") == npos;
        value = interpreter_.get_item(
            value, is_index ? Value::of(read_number(key, digits)) : new_string(heap_, key));
        at = end + 1;
      } else {
        raise_error("Only '.' or '[' may follow ']' in format field specifier");
      }
    }
    return value;
  }

  static Format parse_specification(std::string_view text) {
    Format format;
    std::size_t at = 0;
    const auto is_align = [&](std::size_t i) {
      return i < text.size() && std::string_view("<>^=").find(text[i]) != npos;
    };
    const std::size_t first = text.empty() ? 0 : decode_utf8(text).length;
    if (first > 0 && is_align(first)) {
      format.fill = text.substr(0, first);
      format.align = text[first];
      at = first + 1;
    } else if (is_align(0)) {
      format.align = text[0];
      at = 1;
    }
    const auto take = [&](std::string_view characters) {
      if (at < text.size() && characters.find(text[at]) != npos) return text[at++];
      return '\0';
    };
    if (const char sign = take("+- "); sign != '\0') format.sign = sign;
    format.alternate = take("#") != '\0';
    if (take("0") != '\0' && format.align == '\0') format.fill = "0", format.align = '=';
    format.width = read_number(text, at);
    format.grouping = take(",_");
    if (take(".") != '\0') {
      const std::size_t begin = at;
      format.precision = read_number(text, at);
      if (at == begin) raise_error("Format specifier missing precision");
    }
    if (at < text.size()) format.type = text[at++];
    if (at < text.size()) raise_error("Invalid format specifier");
    return format;
  }

  void append_value(TextBuilder& out, const Value& value, std::string_view specification) {
    if (specification.empty()) return append_str(out, heap_, value);
    Format format = parse_specification(specification);
    const bool is_real_type = format.type != '\0' && std::string_view("eEfFgG%").find(format.type) != npos;
    if (value.is_string()) {
      if (format.type != '\0' && format.type != 's')
        raise_error("Unknown format code for object of type 'str'");
      if (format.align == '=' && format.fill == "0") format.align = '<';
      if (format.align == '=') raise_error("'=' alignment not allowed in string format specifier");
      return append_text(out, heap_, *value.text, format);
    }
    if (value.is(Kind::kReal) || (value.is_integral() && is_real_type)) {
      if (format.type != '\0' && format.type != 'n' && !is_real_type) {
        raise_error("Unknown format code for object of type 'float'");
      }
      return append_real(out, heap_, value.as_real(), format);
    }
    if (!value.is_integral())
      raise_error("unsupported format string passed to {}.__format__", type_name(value));
    if (format.type == 'c') return append_character(out, value);
    if (format.type != '\0' && std::string_view("dxXobn").find(format.type) == npos) {
      raise_error("Unknown format code for object of type 'int'");
    }
    if (format.precision >= 0) raise_error("Precision not allowed in integer format specifier");
    append_integer(out, heap_, value.as_integer(), format);
  }

  Interpreter& interpreter_;
  Heap& heap_;
  const Arguments& arguments_;
  std::int64_t next_ = 0;
};

}  // namespace

const Text* format_percent(Interpreter& interpreter, const Text& format, const Value& arguments) {
  return PercentFormatter(interpreter, format, arguments).run();
}

const Text* format_braces(Interpreter& interpreter, const Text& format, const Arguments& arguments) {
  constexpr int kLevels = 2;  // Python's: a specification may contain fields, theirs may not
  TextBuilder out(interpreter.heap());
  BraceFormatter(interpreter, arguments).run(out, format, kLevels);
  return out.finish();
}

}  // namespace aloud::jinja
