// What one rendering may use: memory that is freed all at once, counted steps, bounded nesting.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja.h"

namespace aloud::jinja {

// An error of the template: unwinds the interpreter as exceptions do in Python and ends in jinja.cc, where it
// becomes a Result. line is 0 until somebody knows it.
struct JinjaError {
  std::string message;
  int line = 0;
};

template <class... Arguments>
[[noreturn]] void raise_error(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  throw JinjaError{fmt::format(format, std::forward<Arguments>(arguments)...)};
}

// Everything a rendering makes lives here until its end: values are plain pointers, cycles need no care, and
// no destructor runs. What is made is charged, so the steps bound the memory too.
class Heap {
 public:
  explicit Heap(const JinjaLimits& limits) : limits_(limits), steps_left_(limits.steps) {}

  void charge(std::int64_t steps) {
    if ((steps_left_ -= steps) < 0) raise_error("the template takes more than {} steps", limits_.steps);
  }
  void check_size(std::size_t bytes) const {
    if (bytes > limits_.output_bytes) raise_error("a string is longer than {} bytes", limits_.output_bytes);
  }
  // For reading or making so many bytes; in a form that cannot overflow.
  void charge_bytes(std::size_t bytes) {
    check_size(bytes);
    charge(static_cast<std::int64_t>(bytes / kBytesPerStep));
  }

  template <class T, class... Arguments>
  T* make(Arguments&&... arguments) {
    charge(1 + static_cast<std::int64_t>(sizeof(T) / kBytesPerStep));
    return new (arena_.allocate(sizeof(T), alignof(T))) T{std::forward<Arguments>(arguments)...};
  }
  template <class T>
  std::span<T> copy(std::span<const T> items) {
    if (items.empty()) return {};
    charge(static_cast<std::int64_t>(1 + items.size_bytes() / kBytesPerStep));
    T* memory = static_cast<T*>(arena_.allocate(items.size_bytes(), alignof(T)));
    std::uninitialized_copy(items.begin(), items.end(), memory);
    return {memory, items.size()};
  }
  std::string_view copy_text(std::string_view text) {
    const std::span<char> copied = copy(std::span<const char>(text.data(), text.size()));
    return {copied.data(), copied.size()};
  }
  std::pmr::memory_resource* resource() { return &arena_; }

 private:
  friend class Deeper;
  static constexpr std::size_t kBytesPerStep = 64;

  JinjaLimits limits_;
  std::int64_t steps_left_;
  int nesting_ = 0;
  std::pmr::monotonic_buffer_resource arena_{4096};
};

// One level of nesting for as long as it lives; too many are an error, so recursion never exhausts the stack.
class Deeper {
 public:
  // A call of a macro takes about ten levels (statement, output, expression, operands), a pair of parentheses
  // two.
  static constexpr int kLevelsInRun = 10, kLevelsInParser = 2;

  explicit Deeper(Heap& heap, int levels = kLevelsInRun) : heap_(heap) {
    if (heap_.nesting_ >= heap_.limits_.depth * levels) {
      raise_error("nested too deeply: the limit is {}", heap_.limits_.depth);
    }
    ++heap_.nesting_;
  }
  ~Deeper() { --heap_.nesting_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  Heap& heap_;
};

}  // namespace aloud::jinja
