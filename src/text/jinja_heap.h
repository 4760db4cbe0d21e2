// What one rendering may use: memory that is freed all at once, counted steps, bounded nesting.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
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
    return join(items, std::span<const T>());
  }
  // Both, one after the other.
  template <class T>
  std::span<T> join(std::span<const T> first, std::span<const T> second) {
    const std::size_t size = first.size() + second.size();
    if (size == 0) return {};
    charge(static_cast<std::int64_t>(1 + size * sizeof(T) /
                                             (sizeof(T) == 1 ? kBytesPerStep : kBytesPerStep / 2)));
    T* memory = static_cast<T*>(arena_.allocate(size * sizeof(T), alignof(T)));
    std::uninitialized_copy(second.begin(), second.end(),
                            std::uninitialized_copy(first.begin(), first.end(), memory));
    return {memory, size};
  }
  std::string_view copy_text(std::string_view text) {
    const std::span<char> copied = copy(std::span<const char>(text.data(), text.size()));
    return {copied.data(), copied.size()};
  }
  // Long text is taken over instead of copied.
  std::string_view keep_text(std::string&& text) {
    constexpr std::size_t kWorthKeeping = 4096;
    if (text.size() < kWorthKeeping) return copy_text(text);
    return kept_.emplace_back(std::move(text));
  }
  std::pmr::memory_resource* resource() { return &arena_; }

 private:
  friend class Deeper;
  static constexpr std::size_t kBytesPerStep = 64;

  JinjaLimits limits_;
  std::int64_t steps_left_;
  int nesting_ = 0;
  std::pmr::monotonic_buffer_resource arena_{4096};
  std::deque<std::string> kept_;
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
