// Problems with verifiable answers, and what their statistics say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace aloud {

struct Problem {
  std::string prompt;
  std::string answer;
};

// Reads {"prompt": text, "answer": text or number} lines; empty lines are skipped. Errors: the file cannot be
// read or holds no problem; a line that is not such an object, by its number.
Result<std::vector<Problem>> read_problems(const std::string& path);

struct Interval {
  double low = 0;
  double high = 0;
};

// Wilson's score interval for a share of successes at 95 % (E. B. Wilson, 1927). REQUIRES: 0 <= successes <=
// trials > 0.
Interval wilson_interval(std::int64_t successes, std::int64_t trials);

}  // namespace aloud
