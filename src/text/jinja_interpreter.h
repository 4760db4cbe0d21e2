// Runs a syntax tree over a context: scopes, statements, expressions. Everything here throws JinjaError.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja_syntax.h"
#include "text/jinja_value.h"

namespace aloud::jinja {

struct NamedValue {
  std::string_view name;
  Value value;
};

struct Arguments {
  std::span<const Value> positional;
  std::span<const NamedValue> named;
};

// Puts arguments where a function with these parameters expects them; null where none was given. Errors: too
// many, an unknown name, one of the first `required` missing.
void bind_arguments(const Arguments& arguments, std::string_view function,
                    std::span<const std::string_view> names, std::size_t required,
                    std::span<const Value*> slots);

// auto [width, first] = bind(arguments, "indent", {"width", "first"}, 0);
template <std::size_t N>
std::array<const Value*, N> bind(const Arguments& arguments, std::string_view function,
                                 const std::string_view (&names)[N], std::size_t required) {
  std::array<const Value*, N> slots{};
  bind_arguments(arguments, function, names, required, slots);
  return slots;
}

// The same for functions of Python that take no names.
template <std::size_t N>
std::array<const Value*, N> bind_positional(const Arguments& arguments, std::string_view function,
                                            const std::string_view (&names)[N], std::size_t required) {
  if (!arguments.named.empty()) raise_error("{}() takes no keyword arguments", function);
  return bind(arguments, function, names, required);
}

void expect_none(const Arguments& arguments, std::string_view function);

// The variables of a loop's turn, a macro's call, a with block.
struct Frame {
  struct Variable {
    int symbol;
    Value value;
  };
  Frame* parent = nullptr;
  std::pmr::vector<Variable> variables;
  bool is_captured = false;  // a macro was defined in it: it must stay as it is
};

struct Macro {
  const MacroSyntax* syntax;
  Frame* scope;
};

// The special variable of a for loop. With a condition the items are found one by one, as the body may change
// what the condition sees.
struct Loop {
  const Statement* syntax;
  Frame* outside;
  std::span<const Value> items;
  std::span<const Value> untested;
  std::pmr::vector<Value> passed;
  std::int64_t index0 = -1;
  std::int64_t depth0 = 0;
  Value last_changed = {};
  bool has_changed = false;
};

class Interpreter {
 public:
  // All borrowed.
  Interpreter(const Syntax& syntax, const JinjaOptions& options, Heap& heap);

  RenderedTemplate render(const nlohmann::ordered_json& context);

  Heap& heap() { return heap_; }
  const JinjaOptions& options() const { return options_; }

  Value call(const Value& callee, Arguments& arguments);

  // value.name and value[key]: an undefined value when there is no such thing.
  Value get_attribute(const Value& value, const Value& name);
  Value get_item(const Value& value, const Value& key);
  // The attribute alone, never an item.
  Value get_pure_attribute(const Value& value, const Value& name);
  Value make_absence(const Value& owner, const Value& key);
  Value make_absence(std::string_view sentence);

  // The items of anything that can be iterated over; an iterator is used up.
  std::span<const Value> iterate(const Value& value);
  std::int64_t length(const Value& value);
  void iterate_lazily(Iterator& iterator);  // makes the iterator's items, if they are not made yet
  bool contains(const Value& container, const Value& item);
  Value binary(Operator operation, const Value& left, const Value& right);
  bool compare(Operator operation, const Value& left, const Value& right);

  Value run_recursively(Loop& loop, const Value& items);
  bool has_item(Loop& loop, std::int64_t index);  // tests the condition as far as needed

 private:
  enum class Flow { kNext, kBreak, kContinue };
  struct Slot {
    Value value;
    bool is_set = false;
  };
  class Scope;    // enters a frame, leaves it
  class Capture;  // sends output elsewhere

  // Statements.
  Flow run(Block block);
  Flow run(const Statement& statement);
  Flow run_if(const Statement& statement);
  Flow run_for(const Statement& statement);
  bool run_items(Loop& loop, Flow& flow);
  Flow run_set_block(const Statement& statement);
  Flow run_with(const Statement& statement);
  Flow run_filter_block(const Statement& statement);
  Flow run_scope(const Statement& statement);
  void run_call(const Statement& statement);
  Value make_macro(const MacroSyntax& syntax);
  Value call_macro(const Macro& macro, const Arguments& arguments);
  void bind_macro(const Macro& macro, const Arguments& arguments);
  void assign(const Target& target, const Value& value);
  void set_variable(int symbol, const Value& value);
  const Value* find_variable(int symbol) const;
  Frame* make_frame(Frame* parent, const FrameSyntax* syntax = nullptr);
  void begin_frame(Frame& frame, const FrameSyntax& syntax);
  Loop* make_loop(const Statement& syntax, Frame* outside, std::span<const Value> items, std::int64_t depth0);

  // Expressions.
  Value evaluate(const Expression& expression);
  Value evaluate_variable(const Expression& expression);
  Value evaluate_list(const Expression& expression);
  Value evaluate_dict(const Expression& expression);
  Value evaluate_slice(const Expression& expression);
  Value evaluate_call(const Expression& expression, const Value* caller = nullptr);
  Value evaluate_filter(const Expression& expression, const Value* input = nullptr);
  Value evaluate_test(const Expression& expression);
  Value evaluate_unary(const Expression& expression);
  Value evaluate_compare(const Expression& expression);
  Value evaluate_concatenate(const Expression& expression);
  Value evaluate_conditional(const Expression& expression);
  // The vectors hold what the result points to.
  Arguments evaluate_arguments(const CallArguments& syntax, std::vector<Value>& positional,
                               std::vector<NamedValue>& named);

  const Syntax& syntax_;
  const JinjaOptions& options_;
  Heap& heap_;
  std::vector<Slot> root_;  // by symbol: the outermost scope
  Frame* frame_ = nullptr;  // null: the outermost scope
  TextBuilder* out_ = nullptr;
};

// Globals by name: range, dict, namespace, cycler, joiner, raise_exception, strftime_now. Null when there is
// none.
const Function* find_function(std::string_view name);

// find_filter() and find_test(), where there not being one is an error.
const Filter& require_filter(std::string_view name);
const Test& require_test(std::string_view name);

// A method of a value; null when its type has none of that name. is_mutating: Python has it, but the sandbox
// refuses it.
struct FoundMethod {
  std::string_view name;
  Method::Call call = nullptr;
  bool is_mutating = false;
};
FoundMethod find_method(const Value& value, std::string_view name);
Method::Call find_text_method(std::string_view name);

// What a JSON value is to a template. Strings stay views: the JSON must outlive them. untrusted: strings get
// marks.
Value from_json(Heap& heap, const nlohmann::ordered_json& json, bool untrusted);
// The context's variable of this name, with marks as jinja.h says.
Value context_variable(Heap& heap, const std::string& name, const nlohmann::ordered_json& json);

// json.dumps(value, ensure_ascii=False, ...), the whole of it marked if any part is.
struct JsonStyle {
  bool ascii = false;
  std::optional<std::string_view> indent;
  std::string_view item_separator = ", ", key_separator = ": ";
  bool sort_keys = false;
};
void append_json(TextBuilder& out, Heap& heap, const Value& value, const JsonStyle& style);

// "%s and %d" % arguments, and "{} and {x}".format(...).
const Text* format_percent(Interpreter& interpreter, const Text& format, const Value& arguments);
const Text* format_braces(Interpreter& interpreter, const Text& format, const Arguments& arguments);

// The text with & < > ' " as HTML entities, as markup.
const Text* escape_markup(Heap& heap, const Text& text);

// Converts to an int where Python would take one (bool included). Errors: any other type, named by what.
std::int64_t require_integer(const Value& value, std::string_view what);
const Text& require_text(const Value& value, std::string_view what);

}  // namespace aloud::jinja
