// Expected failure as a value: Result<T> holds a T or an Error with one sentence for a person.
#pragma once

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace aloud {

// What went wrong, in one line that names the object, what was found and what was expected.
struct Error {
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

// return fail("{}: {} bytes, expected at least {}", path, size, minimum);
template <class... Arguments>
tl::unexpected<Error> fail(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  return tl::unexpected(Error{fmt::format(format, std::forward<Arguments>(arguments)...)});
}

// Passes the error of a Result or Status, or of any other tl::expected, on to the caller of the caller.
template <class T>
auto pass_error(T&& result) {
  return tl::unexpected(std::forward<T>(result).error());
}

}  // namespace aloud

#define ALOUD_CONCAT_INNER(a, b) a##b
#define ALOUD_CONCAT(a, b) ALOUD_CONCAT_INNER(a, b)

// TRY(status_expression); returns its error from the enclosing function, if it has one.
#define TRY(expression)                                                                                 \
  do {                                                                                                  \
    if (auto try_status = (expression); !try_status) return ::aloud::pass_error(std::move(try_status)); \
  } while (0)

// TRY_ASSIGN(auto file, open(path)); assigns the value or returns the error.
#define TRY_ASSIGN(target, expression) \
  TRY_ASSIGN_INNER(target, expression, ALOUD_CONCAT(try_result_, __LINE__))
#define TRY_ASSIGN_INNER(target, expression, name)        \
  auto name = (expression);                               \
  if (!name) return ::aloud::pass_error(std::move(name)); \
  target = std::move(*name)
