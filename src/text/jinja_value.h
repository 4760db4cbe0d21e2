// The values of a template: Python's, as far as templates meet them, and strings that know which parts are
// untrusted.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_heap.h"

namespace aloud::jinja {

enum class Kind : std::uint8_t {
  kUndefined,
  kNone,
  kBoolean,
  kInteger,
  kReal,
  kString,
  kList,
  kTuple,
  kDict,
  kDictView,
  kRange,
  kIterator,
  kNamespace,
  kMacro,
  kMethod,
  kFunction,
  kLoop,
  kCycler,
  kJoiner,
};

struct Value;
struct Text;  // a str
struct List;  // a list or a tuple
struct Dict;
struct DictView;  // dict.keys() and so on
struct Range;
struct Iterator;  // a generator: what map, select and the like return
struct Namespace;
struct Macro;
struct Method;    // a method with the value it belongs to
struct Function;  // range, dict, namespace, ...
struct Loop;
struct Cycler;
struct Joiner;
struct Absence;  // why a value is undefined
struct Arguments;
class Interpreter;

// A word and a pointer; what it points to is immutable unless its type says so, and lives in a Heap.
struct Value {
  Kind kind = Kind::kUndefined;
  union {
    bool boolean;
    std::int64_t integer;
    double real;
    const Text* text;
    const List* list;
    const Dict* dict;
    const DictView* view;
    const Range* range;
    Iterator* iterator;
    Namespace* space;
    const Macro* macro;
    const Method* method;
    const Function* function;
    Loop* loop;
    Cycler* cycler;
    Joiner* joiner;
    const Absence* absence = nullptr;  // may be null
    const void* object;
  };

  static Value none() {
    Value v;
    v.kind = Kind::kNone;
    return v;
  }
  static Value of(bool x) {
    Value v;
    v.kind = Kind::kBoolean;
    v.integer = 0;
    v.boolean = x;
    return v;
  }
  static Value of(std::int64_t x) {
    Value v;
    v.kind = Kind::kInteger;
    v.integer = x;
    return v;
  }
  static Value of(double x) {
    Value v;
    v.kind = Kind::kReal;
    v.real = x;
    return v;
  }
  static Value of(const Text* x) {
    Value v;
    v.kind = Kind::kString;
    v.text = x;
    return v;
  }
  static Value of(const Dict* x) {
    Value v;
    v.kind = Kind::kDict;
    v.dict = x;
    return v;
  }
  static Value list_of(const List* x) {
    Value v;
    v.kind = Kind::kList;
    v.list = x;
    return v;
  }
  static Value tuple_of(const List* x) {
    Value v;
    v.kind = Kind::kTuple;
    v.list = x;
    return v;
  }
  static Value undefined(const Absence* x = nullptr) {
    Value v;
    v.absence = x;
    return v;
  }
  static Value of_object(Kind kind, const void* x) {
    Value v;
    v.kind = kind;
    v.object = x;
    return v;
  }

  bool is(Kind wanted) const { return kind == wanted; }
  bool is_undefined() const { return kind == Kind::kUndefined; }
  bool is_none() const { return kind == Kind::kNone; }
  bool is_string() const { return kind == Kind::kString; }
  bool is_sequence() const { return kind == Kind::kList || kind == Kind::kTuple; }
  bool is_integral() const { return kind == Kind::kInteger || kind == Kind::kBoolean; }
  bool is_number() const { return is_integral() || kind == Kind::kReal; }
  // REQUIRES is_integral() or is_number().
  std::int64_t as_integer() const {
    return kind == Kind::kBoolean ? static_cast<std::int64_t>(boolean) : integer;
  }
  double as_real() const { return kind == Kind::kReal ? real : static_cast<double>(as_integer()); }
};

struct Text {
  std::string_view bytes;
  std::span<const TextSpan> marks;  // untrusted parts: sorted, disjoint, not empty, not touching
  std::int64_t characters = 0;      // code points; a malformed byte counts as one
  bool markup = false;              // markupsafe.Markup: "+" escapes what joins it

  bool is_ascii() const { return characters == static_cast<std::int64_t>(bytes.size()); }
  bool has_marks() const { return !marks.empty(); }
};

struct List {
  std::span<const Value> items;
  bool is_group = false;  // what groupby gives: a tuple with names (grouper, list)
};

struct DictEntry {
  Value key, value;
};

// A total order over what may be a key (numbers by value, strings by code points, tuples by items).
struct KeyLess {
  bool operator()(const Value& a, const Value& b) const;
};

struct Dict {
  std::span<const DictEntry> entries;                           // in order of insertion, keys unique
  std::pmr::map<Value, std::size_t, KeyLess>* index = nullptr;  // present when there are many

  const Value* find(const Value& key) const;  // key passed require_hashable()
  const Value* find(std::string_view key) const;
};

struct DictView {
  const Dict* dict;
  enum class Part { kKeys, kValues, kItems } part;
};

struct Range {
  std::int64_t start, stop, step, size;
};

// Gives its items once. They are made at the first use, as Python's generators do their work late.
struct Iterator {
  using Produce = std::vector<Value> (*)(Interpreter&, const Value& input, const Arguments& arguments);
  Produce produce;
  Value input;
  const Arguments* arguments;
  std::span<const Value> left;
};

struct Namespace {
  std::pmr::vector<DictEntry> attributes;  // keys are strings
};

struct Cycler {
  std::span<const Value> items;
  std::size_t position = 0;
};

struct Joiner {
  Value separator;
  bool used = false;
};

struct Method {
  using Call = Value (*)(Interpreter&, const Value& self, Arguments& arguments);
  std::string_view name;
  Call call;
  Value self;
};

struct Function {
  using Call = Value (*)(Interpreter&, Arguments& arguments);
  std::string_view name;
  Call call;
};

// Either a sentence, or what was looked up (key) in what kind of value.
struct Absence {
  std::string_view sentence;
  std::string_view owner;  // type's name; empty: key is a variable
  Value key;
};

// Collects text piece by piece and keeps the marks with it.
class TextBuilder {
 public:
  explicit TextBuilder(Heap& heap) : heap_(heap) {}
  void reserve(std::size_t bytes) { bytes_.reserve(bytes); }
  void append(std::string_view trusted);
  void append(const Text& text) { append(text, 0, text.bytes.size()); }
  void append(const Text& text, std::size_t begin, std::size_t end);  // byte offsets
  void append_marked(std::string_view untrusted);
  void append_times(std::string_view trusted, std::int64_t times);
  // Marks everything from this byte on if anything of it is marked: the pieces were changed together.
  void spread_marks(std::size_t begin);

  std::string_view bytes() const { return bytes_; }
  const Text* finish();
  RenderedTemplate take() { return {std::move(bytes_), std::move(marks_)}; }

 private:
  void mark(std::size_t begin, std::size_t end);
  Heap& heap_;
  std::string bytes_;
  std::vector<TextSpan> marks_;
};

// Bytes of the character that begins at a byte; a malformed byte is a character.
std::size_t character_length(std::string_view bytes, std::size_t at);
std::int64_t count_characters(std::string_view bytes);
// The byte at which a character begins; character in [0, characters].
std::size_t byte_offset(const Text& text, std::int64_t character);
std::int64_t character_at_byte(const Text& text, std::size_t byte);

// Making values. Trusted text is copied; a slice shares its bytes, and may be the text itself, which must
// live in a heap.
const Text* new_text(Heap& heap, std::string_view trusted);
const Text* new_text(Heap& heap, std::string_view bytes, bool marked);
const Text* new_slice(Heap& heap, const Text& text, std::size_t begin, std::size_t end);
Value new_string(Heap& heap, std::string_view trusted);
Value new_list(Heap& heap, std::span<const Value> items);
Value new_tuple(Heap& heap, std::span<const Value> items);
// A later entry with an equal key replaces the value of the earlier. Errors: a key that cannot be hashed.
Value new_dict(Heap& heap, std::span<const DictEntry> entries);

std::string_view type_name(const Value& value);  // Python's
std::string absence_message(const Value& undefined);
[[noreturn]] void raise_undefined(const Value& undefined);
// Errors: a list or dict, or a tuple with one. A value that passes is safe to compare as a key.
void require_hashable(Heap& heap, const Value& value, int levels_left = 32);

bool truth(const Value& value);
bool is_iterable(const Value& value);
bool equals(Heap& heap, const Value& a, const Value& b);
// a < b as Python has it. Errors: types that have no order.
bool less(Heap& heap, const Value& a, const Value& b, std::string_view operation = "<");
std::partial_ordering compare_numbers(const Value& a, const Value& b);

// str(value) and repr(value).
void append_str(TextBuilder& out, Heap& heap, const Value& value);
void append_repr(TextBuilder& out, Heap& heap, const Value& value);
const Text* to_text(Heap& heap, const Value& value);
std::string format_real(double value);
void append_quoted(std::string_view text, std::string& out);  // repr of a str

}  // namespace aloud::jinja
