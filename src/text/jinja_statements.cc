// The interpreter: statements, scopes, loops and macros.
#include <algorithm>

#include "text/jinja_filters.h"
#include "text/jinja_interpreter.h"

namespace aloud::jinja {

class Interpreter::Scope {
 public:
  Scope(Interpreter& interpreter, Frame* frame) : interpreter_(interpreter), before_(interpreter.frame_) {
    interpreter_.frame_ = frame;
  }
  ~Scope() { interpreter_.frame_ = before_; }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  Interpreter& interpreter_;
  Frame* before_;
};

class Interpreter::Capture {
 public:
  explicit Capture(Interpreter& interpreter)
      : interpreter_(interpreter), before_(interpreter.out_), builder_(interpreter.heap_) {
    interpreter_.out_ = &builder_;
  }
  ~Capture() { interpreter_.out_ = before_; }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  Value finish() { return Value::of(builder_.finish()); }

 private:
  Interpreter& interpreter_;
  TextBuilder* before_;
  TextBuilder builder_;
};

Interpreter::Interpreter(const Syntax& syntax, const JinjaOptions& options, Heap& heap)
    : syntax_(syntax), options_(options), heap_(heap), root_(syntax.symbols.size()) {}

RenderedTemplate Interpreter::render(const nlohmann::ordered_json& context) {
  if (!context.is_object()) raise_error("the context is not a JSON object");
  for (std::size_t symbol = 0; symbol < root_.size(); ++symbol) {
    const std::string name(syntax_.symbols[symbol]);
    if (const auto found = context.find(name); found != context.end()) {
      root_[symbol] = {context_variable(heap_, name, *found), true};
    } else if (const Function* function = find_function(name); function != nullptr) {
      root_[symbol] = {Value::of_object(Kind::kFunction, function), true};
    }
  }
  for (const int symbol : syntax_.unbound)
    root_[static_cast<std::size_t>(symbol)] = {Value::undefined(), true};
  TextBuilder out(heap_);
  out_ = &out;
  run(syntax_.body);
  return out.take();
}

Frame* Interpreter::make_frame(Frame* parent, const FrameSyntax* syntax) {
  Frame* frame = heap_.make<Frame>(parent, std::pmr::vector<Frame::Variable>(heap_.resource()));
  if (syntax != nullptr) begin_frame(*frame, *syntax);
  return frame;
}

void Interpreter::begin_frame(Frame& frame, const FrameSyntax& syntax) {
  heap_.charge(static_cast<std::int64_t>(syntax.unbound.size()));
  frame.variables.clear();
  for (const int symbol : syntax.unbound) frame.variables.push_back({symbol, Value::undefined()});
}

void Interpreter::set_variable(int symbol, const Value& value) {
  if (frame_ == nullptr) {
    root_[static_cast<std::size_t>(symbol)] = {value, true};
    return;
  }
  for (Frame::Variable& variable : frame_->variables) {
    if (variable.symbol == symbol) {
      variable.value = value;
      return;
    }
  }
  frame_->variables.push_back({symbol, value});
}

const Value* Interpreter::find_variable(int symbol) const {
  for (const Frame* frame = frame_; frame != nullptr; frame = frame->parent) {
    for (const Frame::Variable& variable : frame->variables) {
      if (variable.symbol == symbol) return &variable.value;
    }
  }
  const Slot& slot = root_[static_cast<std::size_t>(symbol)];
  return slot.is_set ? &slot.value : nullptr;
}

Interpreter::Flow Interpreter::run(Block block) {
  for (const Statement* statement : block) {
    if (const Flow flow = run(*statement); flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::run(const Statement& statement) {
  const Deeper deeper(heap_);
  heap_.charge(1);
  try {
    switch (statement.kind) {
      case StatementKind::kText:
        out_->append(statement.text);
        break;
      case StatementKind::kOutput:
        append_str(*out_, heap_, evaluate(*statement.expression));
        break;
      case StatementKind::kFor:
        return run_for(statement);
      case StatementKind::kIf:
        return run_if(statement);
      case StatementKind::kSet:
        assign(*statement.target, evaluate(*statement.expression));
        break;
      case StatementKind::kSetBlock:
        return run_set_block(statement);
      case StatementKind::kWith:
        return run_with(statement);
      case StatementKind::kMacro:
        assign(*statement.target, make_macro(*statement.macro));
        break;
      case StatementKind::kCall:
        run_call(statement);
        break;
      case StatementKind::kFilterBlock:
        return run_filter_block(statement);
      case StatementKind::kScope:
      case StatementKind::kNamedBlock:
        return run_scope(statement);
      case StatementKind::kBreak:
        return Flow::kBreak;
      case StatementKind::kContinue:
        return Flow::kContinue;
      case StatementKind::kUnsupported:
        raise_error("'{}' needs other templates: there are none", statement.text);
    }
  } catch (JinjaError& error) {
    if (error.line == 0) error.line = statement.line;
    throw;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::run_if(const Statement& statement) {
  for (const Branch& branch : statement.branches) {
    if (branch.condition == nullptr || truth(evaluate(*branch.condition))) return run(branch.body);
  }
  return Flow::kNext;
}

bool Interpreter::has_item(Loop& loop, std::int64_t index) {
  const auto wanted = static_cast<std::size_t>(index);
  while (loop.items.size() <= wanted && !loop.untested.empty()) {
    const Value item = loop.untested[0];
    loop.untested = loop.untested.subspan(1);
    const Scope scope(*this, make_frame(loop.outside));
    assign(*loop.syntax->target, item);
    if (!truth(evaluate(*loop.syntax->condition))) continue;
    loop.passed.push_back(item);
    loop.items = loop.passed;
  }
  return wanted < loop.items.size();
}

Loop* Interpreter::make_loop(const Statement& syntax, Frame* outside, std::span<const Value> items,
                             std::int64_t depth0) {
  const bool tests = syntax.condition != nullptr;
  return heap_.make<Loop>(Loop{.syntax = &syntax,
                               .outside = outside,
                               .items = tests ? std::span<const Value>() : items,
                               .untested = tests ? items : std::span<const Value>(),
                               .passed = std::pmr::vector<Value>(heap_.resource()),
                               .depth0 = depth0});
}

Interpreter::Flow Interpreter::run_for(const Statement& statement) {
  Loop* loop = make_loop(statement, frame_, iterate(evaluate(*statement.expression)), 0);
  if (statement.flag) {
    // The body of a recursive loop is a function of its own to Jinja; what it prints comes back as one
    // string.
    const Value text = run_recursively(*loop, Value::undefined());
    append_str(*out_, heap_, text);
    return Flow::kNext;
  }
  Flow flow = Flow::kNext;
  if (run_items(*loop, flow)) return Flow::kNext;
  const Scope scope(*this, make_frame(frame_, statement.otherwise_frame));
  return run(statement.otherwise);
}

// False when there was no item that ran to its end, which is when Jinja runs the else branch.
bool Interpreter::run_items(Loop& loop, Flow& flow) {
  bool any_finished = false;
  Frame* frame = make_frame(loop.outside);
  while (has_item(loop, loop.index0 + 1)) {
    ++loop.index0;
    heap_.charge(1);
    if (frame->is_captured) frame = make_frame(loop.outside);
    begin_frame(*frame, *loop.syntax->frame);
    frame->variables.push_back({kSymbolLoop, Value::of_object(Kind::kLoop, &loop)});
    const Scope scope(*this, frame);
    assign(*loop.syntax->target, loop.items[static_cast<std::size_t>(loop.index0)]);
    flow = run(loop.syntax->body);
    if (flow == Flow::kBreak) break;
    if (flow == Flow::kNext) any_finished = true;
  }
  flow = Flow::kNext;
  return any_finished;
}

Value Interpreter::run_recursively(Loop& loop, const Value& items) {
  const Deeper deeper(heap_);
  Loop* level = &loop;
  if (loop.index0 >= 0) {
    level = make_loop(*loop.syntax, loop.outside, iterate(items), loop.depth0 + 1);
  }
  Capture capture(*this);
  const Scope scope(*this, loop.outside);
  Flow flow = Flow::kNext;
  if (!run_items(*level, flow)) {
    const Scope otherwise(*this, make_frame(loop.outside, loop.syntax->otherwise_frame));
    run(loop.syntax->otherwise);
  }
  return capture.finish();
}

Interpreter::Flow Interpreter::run_set_block(const Statement& statement) {
  Value value;
  Flow flow = Flow::kNext;
  {
    Capture capture(*this);
    const Scope scope(*this, make_frame(frame_, statement.frame));
    flow = run(statement.body);
    value = capture.finish();
    if (statement.expression != nullptr) value = evaluate_filter(*statement.expression, &value);
  }
  if (flow == Flow::kNext) assign(*statement.target, value);
  return flow;
}

Interpreter::Flow Interpreter::run_with(const Statement& statement) {
  Frame* frame = make_frame(frame_, statement.frame);
  std::vector<Value> values;
  for (const Assignment& assignment : statement.assignments)
    values.push_back(evaluate(*assignment.expression));
  const Scope scope(*this, frame);
  for (std::size_t i = 0; i < values.size(); ++i) assign(*statement.assignments[i].target, values[i]);
  return run(statement.body);
}

Interpreter::Flow Interpreter::run_filter_block(const Statement& statement) {
  Value value;
  Flow flow = Flow::kNext;
  const Scope scope(*this, make_frame(frame_, statement.frame));
  {
    Capture capture(*this);
    flow = run(statement.body);
    value = capture.finish();
  }
  if (flow == Flow::kNext) append_str(*out_, heap_, evaluate_filter(*statement.expression, &value));
  return flow;
}

Interpreter::Flow Interpreter::run_scope(const Statement& statement) {
  const bool sees_locals = statement.kind == StatementKind::kScope || statement.flag;
  const Scope scope(*this, make_frame(sees_locals ? frame_ : nullptr, statement.frame));
  return run(statement.body);
}

Value Interpreter::make_macro(const MacroSyntax& syntax) {
  for (Frame* frame = frame_; frame != nullptr; frame = frame->parent) frame->is_captured = true;
  return Value::of_object(Kind::kMacro, heap_.make<Macro>(&syntax, frame_));
}

void Interpreter::run_call(const Statement& statement) {
  const Value caller = make_macro(*statement.macro);
  append_str(*out_, heap_, evaluate_call(*statement.expression, &caller));
}

// Binds in the frame that is current, the macro's own.
void Interpreter::bind_macro(const Macro& macro, const Arguments& arguments) {
  const MacroSyntax& syntax = *macro.syntax;
  std::vector<NamedValue> named(arguments.named.begin(), arguments.named.end());
  const auto take = [&](std::string_view name) -> std::optional<Value> {
    const auto found = std::ranges::find(named, name, &NamedValue::name);
    if (found == named.end()) return std::nullopt;
    const Value value = found->value;
    named.erase(found);
    return value;
  };
  std::vector<bool> is_missing(syntax.parameters.size(), false);
  for (std::size_t i = 0; i < syntax.parameters.size(); ++i) {
    const Parameter& parameter = syntax.parameters[i];
    std::optional<Value> value;
    if (i < arguments.positional.size())
      value = arguments.positional[i];
    else
      value = take(parameter.name);
    is_missing[i] = !value;
    const std::string_view sentence = "a parameter of a macro was not provided";
    set_variable(parameter.symbol, value ? *value : make_absence(sentence));
  }
  const bool names_caller =
      std::ranges::find(syntax.parameters, int{kSymbolCaller}, &Parameter::symbol) != syntax.parameters.end();
  if (syntax.uses_caller && !names_caller) {
    const std::optional<Value> caller = take("caller");
    set_variable(kSymbolCaller, caller ? *caller : make_absence("No caller defined"));
  }
  if (syntax.uses_named) {
    std::vector<DictEntry> entries;
    for (const NamedValue& entry : named) entries.push_back({new_string(heap_, entry.name), entry.value});
    set_variable(kSymbolKwargs, new_dict(heap_, entries));
  } else if (!named.empty()) {
    raise_error("macro '{}' takes no keyword argument '{}'", syntax.name, named[0].name);
  }
  const std::size_t taken = std::min(arguments.positional.size(), syntax.parameters.size());
  const std::span<const Value> rest = arguments.positional.subspan(taken);
  if (syntax.uses_rest) {
    set_variable(kSymbolVarargs, new_tuple(heap_, rest));
  } else if (!rest.empty()) {
    raise_error("macro '{}' takes not more than {} argument(s)", syntax.name, syntax.parameters.size());
  }
  for (std::size_t i = 0; i < syntax.parameters.size(); ++i) {
    const Parameter& parameter = syntax.parameters[i];
    if (is_missing[i] && parameter.standard != nullptr)
      set_variable(parameter.symbol, evaluate(*parameter.standard));
  }
}

Value Interpreter::call_macro(const Macro& macro, const Arguments& arguments) {
  const Deeper deeper(heap_);
  Capture capture(*this);
  const Scope scope(*this, make_frame(macro.scope, macro.syntax->frame));
  bind_macro(macro, arguments);
  run(macro.syntax->body);
  return capture.finish();
}

void Interpreter::assign(const Target& target, const Value& value) {
  if (target.is_tuple) {
    const Deeper deeper(heap_);
    const std::span<const Value> values = iterate(value);
    if (values.size() != target.parts.size()) {
      raise_error("{} values to unpack, expected {}", values.size(), target.parts.size());
    }
    for (std::size_t i = 0; i < values.size(); ++i) assign(*target.parts[i], values[i]);
    return;
  }
  if (target.attribute.empty()) return set_variable(target.symbol, value);
  const Value* owner = find_variable(target.symbol);
  if (owner == nullptr || !owner->is(Kind::kNamespace))
    raise_error("cannot assign attribute on non-namespace object");
  for (DictEntry& entry : owner->space->attributes) {
    if (entry.key.text->bytes == target.attribute) {
      entry.value = value;
      return;
    }
  }
  heap_.charge(2);
  owner->space->attributes.push_back({new_string(heap_, target.attribute), value});
}

}  // namespace aloud::jinja
