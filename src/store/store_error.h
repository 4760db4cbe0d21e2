// What went wrong in a store, with a kind that callers can act on.
#pragma once

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "base/result.h"

namespace aloud {

struct StoreError {
  enum class Kind {
    kNotFound,     // this owner has nothing of that name
    kConflict,     // the name is taken by something else
    kInvalid,      // what was to be stored breaks a rule, such as a parent that is not there
    kFull,         // no space on the disk or in the quota: nothing was written, try again when there is some
    kUnavailable,  // the database cannot be read or written now: nothing was acknowledged
  };
  Kind kind = Kind::kUnavailable;
  std::string message;  // one line for a person; names no content
};

template <class T>
using StoreResult = tl::expected<T, StoreError>;
using StoreStatus = StoreResult<void>;

// return fail_store(StoreError::Kind::kNotFound, "conversation {}: not found", id);
template <class... Arguments>
tl::unexpected<StoreError> fail_store(StoreError::Kind kind, fmt::format_string<Arguments...> format,
                                      Arguments&&... arguments) {
  return tl::unexpected(StoreError{kind, fmt::format(format, std::forward<Arguments>(arguments)...)});
}

}  // namespace aloud
