// The functions that a template can call by name.
#include <algorithm>
#include <ctime>

#include "text/jinja_interpreter.h"

namespace aloud::jinja {
namespace {

constexpr std::int64_t kMaxRange = 100'000;  // the sandbox's limit

Value call_range(Interpreter& interpreter, Arguments& arguments) {
  if (!arguments.named.empty()) raise_error("range() takes no keyword arguments");
  const auto [first, second, third] = bind(arguments, "range", {"start", "stop", "step"}, 1);
  const std::int64_t start = second == nullptr ? 0 : require_integer(*first, "range()'s argument");
  const std::int64_t stop = require_integer(second == nullptr ? *first : *second, "range()'s argument");
  const std::int64_t step = third == nullptr ? 1 : require_integer(*third, "range()'s argument");
  if (step == 0) raise_error("range() arg 3 must not be zero");
  // Wide enough that nothing here overflows.
  const __int128 distance =
      step > 0 ? static_cast<__int128>(stop) - start : static_cast<__int128>(start) - stop;
  const __int128 stride = step > 0 ? static_cast<__int128>(step) : -static_cast<__int128>(step);
  const __int128 size = distance <= 0 ? 0 : (distance + stride - 1) / stride;
  if (size > kMaxRange) raise_error("Range too big. The sandbox blocks ranges larger than {}.", kMaxRange);
  return Value::of_object(Kind::kRange,
                          interpreter.heap().make<Range>(start, stop, step, static_cast<std::int64_t>(size)));
}

// dict(mapping or pairs, name=value, ...) as entries.
std::vector<DictEntry> dict_entries(Interpreter& interpreter, const Arguments& arguments) {
  std::vector<DictEntry> entries;
  if (arguments.positional.size() > 1) raise_error("dict expected at most 1 argument");
  if (!arguments.positional.empty()) {
    const Value& source = arguments.positional[0];
    if (source.is(Kind::kDict)) {
      entries.assign(source.dict->entries.begin(), source.dict->entries.end());
    } else {
      for (const Value& pair : interpreter.iterate(source)) {
        const std::span<const Value> parts = interpreter.iterate(pair);
        if (parts.size() != 2)
          raise_error("dictionary update sequence element has length {}; 2 is required", parts.size());
        entries.push_back({parts[0], parts[1]});
      }
    }
  }
  for (const NamedValue& argument : arguments.named) {
    entries.push_back({new_string(interpreter.heap(), argument.name), argument.value});
  }
  return entries;
}

Value call_dict(Interpreter& interpreter, Arguments& arguments) {
  return new_dict(interpreter.heap(), dict_entries(interpreter, arguments));
}

Value call_namespace(Interpreter& interpreter, Arguments& arguments) {
  Heap& heap = interpreter.heap();
  Namespace* space = heap.make<Namespace>(std::pmr::vector<DictEntry>(heap.resource()));
  const Value attributes = new_dict(heap, dict_entries(interpreter, arguments));
  for (const DictEntry& entry : attributes.dict->entries) {
    if (!entry.key.is_string()) raise_error("a namespace's attributes must have names");
    heap.charge(1);
    space->attributes.push_back(entry);
  }
  return Value::of_object(Kind::kNamespace, space);
}

Value call_cycler(Interpreter& interpreter, Arguments& arguments) {
  if (arguments.positional.empty()) raise_error("at least one item has to be provided");
  Heap& heap = interpreter.heap();
  return Value::of_object(Kind::kCycler, heap.make<Cycler>(heap.copy(arguments.positional)));
}

Value call_joiner(Interpreter& interpreter, Arguments& arguments) {
  const auto [separator] = bind(arguments, "joiner", {"sep"}, 0);
  Heap& heap = interpreter.heap();
  return Value::of_object(Kind::kJoiner,
                          heap.make<Joiner>(separator != nullptr ? *separator : new_string(heap, ", ")));
}

Value call_raise_exception(Interpreter& interpreter, Arguments& arguments) {
  const auto [message] = bind(arguments, "raise_exception", {"message"}, 1);
  throw JinjaError{std::string(to_text(interpreter.heap(), *message)->bytes)};
}

Value call_strftime_now(Interpreter& interpreter, Arguments& arguments) {
  constexpr std::size_t kLongestResult = 4096;
  const auto [format] = bind(arguments, "strftime_now", {"format"}, 1);
  const Text& pattern = require_text(*format, "strftime_now()'s format");
  std::tm parts{};
  if (interpreter.options().now_seconds) {
    const std::time_t now = *interpreter.options().now_seconds;
    gmtime_r(&now, &parts);
  } else {
    const std::time_t now = std::time(nullptr);
    localtime_r(&now, &parts);
  }
  // The "x" tells an empty result from one that does not fit; the locale is the program's, which never sets
  // LC_TIME.
  const std::string with_end = std::string(pattern.bytes) + "x";
  char buffer[kLongestResult];
  const std::size_t size = std::strftime(buffer, sizeof(buffer), with_end.c_str(), &parts);
  if (size == 0) raise_error("strftime_now(): the result is longer than {} bytes", kLongestResult);
  return Value::of(new_text(interpreter.heap(), std::string_view(buffer, size - 1), pattern.has_marks()));
}

constexpr Function kFunctions[] = {
    {"range", call_range},
    {"dict", call_dict},
    {"namespace", call_namespace},
    {"cycler", call_cycler},
    {"joiner", call_joiner},
    {"raise_exception", call_raise_exception},
    {"strftime_now", call_strftime_now},
};

}  // namespace

const Function* find_function(std::string_view name) {
  const auto* found = std::ranges::find(kFunctions, name, &Function::name);
  return found == std::end(kFunctions) ? nullptr : found;
}

}  // namespace aloud::jinja
