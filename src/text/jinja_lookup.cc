// The interpreter: attributes and items of values, the way Jinja's sandbox lets templates see them.
#include <algorithm>

#include "text/jinja_interpreter.h"

namespace aloud::jinja {
namespace {

const Value* find_attribute(const Namespace& space, std::string_view name) {
  for (const DictEntry& entry : space.attributes) {
    if (entry.key.text->bytes == name) return &entry.value;
  }
  return nullptr;
}

Value loop_cycle(Interpreter&, const Value& self, Arguments& arguments) {
  if (arguments.positional.empty()) raise_error("no items for cycling given");
  const auto at = static_cast<std::size_t>(self.loop->index0) % arguments.positional.size();
  return arguments.positional[at];
}

Value loop_changed(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  const Value now = new_tuple(interpreter.heap(), arguments.positional);
  Loop& loop = *self.loop;
  if (loop.has_changed && equals(interpreter.heap(), loop.last_changed, now)) return Value::of(false);
  loop.last_changed = now;
  loop.has_changed = true;
  return Value::of(true);
}

std::optional<Value> loop_attribute(Interpreter& interpreter, const Value& value, std::string_view name) {
  Loop& loop = *value.loop;
  const std::int64_t at = loop.index0;
  const auto item = [&](std::int64_t index) { return loop.items[static_cast<std::size_t>(index)]; };
  if (name == "index") return Value::of(at + 1);
  if (name == "index0") return Value::of(at);
  if (name == "first") return Value::of(at == 0);
  if (name == "last") return Value::of(!interpreter.has_item(loop, at + 1));
  if (name == "length") return Value::of(interpreter.length(value));
  if (name == "revindex") return Value::of(interpreter.length(value) - at);
  if (name == "revindex0") return Value::of(interpreter.length(value) - at - 1);
  if (name == "depth") return Value::of(loop.depth0 + 1);
  if (name == "depth0") return Value::of(loop.depth0);
  if (name == "previtem")
    return at > 0 ? item(at - 1) : interpreter.make_absence("there is no previous item");
  if (name == "nextitem") {
    return interpreter.has_item(loop, at + 1) ? item(at + 1)
                                              : interpreter.make_absence("there is no next item");
  }
  return std::nullopt;
}

Value cycler_next(Interpreter&, const Value& self, Arguments&) {
  Cycler& cycler = *self.cycler;
  const Value item = cycler.items[cycler.position];
  cycler.position = (cycler.position + 1) % cycler.items.size();
  return item;
}

Value cycler_reset(Interpreter&, const Value& self, Arguments&) {
  self.cycler->position = 0;
  return Value::none();
}

FoundMethod find_object_method(const Value& value, std::string_view name) {
  if (value.is(Kind::kLoop) && name == "cycle") return {"cycle", loop_cycle};
  if (value.is(Kind::kLoop) && name == "changed") return {"changed", loop_changed};
  if (value.is(Kind::kCycler) && name == "next") return {"next", cycler_next};
  if (value.is(Kind::kCycler) && name == "reset") return {"reset", cycler_reset};
  return find_method(value, name);
}

std::optional<Value> macro_attribute(Heap& heap, const Macro& macro, std::string_view name) {
  if (name == "name") return new_string(heap, macro.syntax->name);
  if (name == "catch_kwargs") return Value::of(macro.syntax->uses_named);
  if (name == "catch_varargs") return Value::of(macro.syntax->uses_rest);
  if (name == "caller") return Value::of(macro.syntax->uses_caller);
  if (name != "arguments") return std::nullopt;
  std::vector<Value> names;
  for (const Parameter& parameter : macro.syntax->parameters)
    names.push_back(new_string(heap, parameter.name));
  return new_tuple(heap, names);
}

// What Python's getattr() finds; items of dicts are not attributes.
std::optional<Value> python_attribute(Interpreter& interpreter, const Value& value, std::string_view name) {
  Heap& heap = interpreter.heap();
  if (name.starts_with("__") && name.ends_with("__") && name.size() > 4) {
    constexpr std::array<std::string_view, 12> kEverywhere = {
        "__class__", "__init__", "__new__",          "__doc__",     "__dir__", "__eq__",
        "__hash__",  "__repr__", "__getattribute__", "__setattr__", "__str__", "__subclasshook__"};
    if (std::ranges::find(kEverywhere, name) != kEverywhere.end()) {
      const std::string sentence =
          fmt::format("access to attribute '{}' of '{}' object is unsafe.", name, type_name(value));
      return interpreter.make_absence(heap.copy_text(sentence));
    }
    return std::nullopt;
  }
  switch (value.kind) {
    case Kind::kNamespace: {
      const Value* found = find_attribute(*value.space, name);
      return found == nullptr ? std::nullopt : std::optional(*found);
    }
    case Kind::kLoop:
      if (const auto found = loop_attribute(interpreter, value, name)) return found;
      break;
    case Kind::kMacro:
      return macro_attribute(heap, *value.macro, name);
    case Kind::kCycler:
      if (name == "current") return value.cycler->items[value.cycler->position];
      break;
    case Kind::kTuple:
      if (value.list->is_group && name == "grouper") return value.list->items[0];
      if (value.list->is_group && name == "list") return value.list->items[1];
      break;
    case Kind::kBoolean:
    case Kind::kInteger:
      if (name == "real" || name == "numerator") return Value::of(value.as_integer());
      if (name == "imag") return Value::of(std::int64_t{0});
      if (name == "denominator") return Value::of(std::int64_t{1});
      break;
    case Kind::kReal:
      if (name == "real") return value;
      if (name == "imag") return Value::of(0.0);
      break;
    case Kind::kRange:
      if (name == "start") return Value::of(value.range->start);
      if (name == "stop") return Value::of(value.range->stop);
      if (name == "step") return Value::of(value.range->step);
      break;
    default:
      break;
  }
  const FoundMethod method = find_object_method(value, name);
  if (method.is_mutating) {
    const std::string sentence =
        fmt::format("access to attribute '{}' of '{}' object is unsafe.", name, type_name(value));
    return interpreter.make_absence(heap.copy_text(sentence));
  }
  if (method.call == nullptr) return std::nullopt;
  return Value::of_object(Kind::kMethod, heap.make<Method>(method.name, method.call, value));
}

// What Python's value[key] finds; nothing where it raises TypeError or LookupError.
std::optional<Value> python_item(Heap& heap, const Value& value, const Value& key) {
  if (value.is(Kind::kDict)) {
    if (key.is(Kind::kList) || key.is(Kind::kDict)) return std::nullopt;
    require_hashable(heap, key);
    const Value* found = value.dict->find(key);
    return found == nullptr ? std::nullopt : std::optional(*found);
  }
  if (!key.is_integral()) return std::nullopt;
  std::int64_t at = key.as_integer();
  std::int64_t size = 0;
  if (value.is_string())
    size = value.text->characters;
  else if (value.is_sequence())
    size = static_cast<std::int64_t>(value.list->items.size());
  else if (value.is(Kind::kRange))
    size = value.range->size;
  if (at < 0) at += at < -size ? 0 : size;
  if (at < 0 || at >= size) return std::nullopt;
  if (value.is_sequence()) return value.list->items[static_cast<std::size_t>(at)];
  if (value.is(Kind::kRange)) return Value::of(value.range->start + at * value.range->step);
  const std::size_t begin = byte_offset(*value.text, at);
  heap.charge_bytes(begin);
  const Text rest{value.text->bytes.substr(begin), {}, value.text->characters - at};
  return Value::of(new_slice(heap, *value.text, begin, begin + byte_offset(rest, 1)));
}

}  // namespace

Value Interpreter::make_absence(std::string_view sentence) {
  Absence* absence = heap_.make<Absence>();
  absence->sentence = sentence;
  return Value::undefined(absence);
}

Value Interpreter::make_absence(const Value& owner, const Value& key) {
  return Value::undefined(heap_.make<Absence>(std::string_view(), type_name(owner), key));
}

Value Interpreter::get_attribute(const Value& value, const Value& name) {
  if (const auto found = python_attribute(*this, value, name.text->bytes)) return *found;
  if (value.is_undefined()) raise_undefined(value);
  if (const auto found = python_item(heap_, value, name)) return *found;
  return make_absence(value, name);
}

Value Interpreter::get_pure_attribute(const Value& value, const Value& name) {
  if (const auto found = python_attribute(*this, value, name.text->bytes)) return *found;
  if (value.is_undefined()) raise_undefined(value);
  return make_absence(value, name);
}

Value Interpreter::get_item(const Value& value, const Value& key) {
  if (value.is_undefined()) raise_undefined(value);
  if (const auto found = python_item(heap_, value, key)) return *found;
  if (key.is_string()) {
    if (const auto found = python_attribute(*this, value, key.text->bytes)) return *found;
  }
  return make_absence(value, key);
}

void bind_arguments(const Arguments& arguments, std::string_view function,
                    std::span<const std::string_view> names, std::size_t required,
                    std::span<const Value*> slots) {
  if (arguments.positional.size() > names.size()) {
    raise_error("{}() takes at most {} arguments ({} given)", function, names.size(),
                arguments.positional.size());
  }
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) slots[i] = &arguments.positional[i];
  for (const NamedValue& argument : arguments.named) {
    const auto found = std::ranges::find(names, argument.name);
    if (found == names.end())
      raise_error("{}() got an unexpected keyword argument '{}'", function, argument.name);
    const auto slot = static_cast<std::size_t>(found - names.begin());
    if (slots[slot] != nullptr)
      raise_error("{}() got multiple values for argument '{}'", function, argument.name);
    slots[slot] = &argument.value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (slots[i] == nullptr) raise_error("{}() is missing the argument '{}'", function, names[i]);
  }
}

void expect_none(const Arguments& arguments, std::string_view function) {
  if (!arguments.positional.empty() || !arguments.named.empty())
    raise_error("{}() takes no arguments", function);
}

std::int64_t require_integer(const Value& value, std::string_view what) {
  if (value.is_undefined()) raise_undefined(value);
  if (!value.is_integral()) raise_error("{} must be an int, not {}", what, type_name(value));
  return value.as_integer();
}

const Text& require_text(const Value& value, std::string_view what) {
  if (value.is_undefined()) raise_undefined(value);
  if (!value.is_string()) raise_error("{} must be str, not {}", what, type_name(value));
  return *value.text;
}

}  // namespace aloud::jinja
