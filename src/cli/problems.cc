// Reads JSON lines; computes intervals.
#include "cli/problems.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/check.h"
#include "base/printable.h"

namespace aloud {
namespace {

// Deep enough for these lines; the parser recurses no further.
constexpr int kDeepest = 8;

std::optional<Problem> parse_problem(const std::string& line) {
  using Json = nlohmann::json;
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth <= kDeepest; };
  const Json object = Json::parse(line, shallow, /*allow_exceptions=*/false);
  if (!object.is_object()) return std::nullopt;
  const auto prompt = object.find("prompt");
  const auto answer = object.find("answer");
  if (prompt == object.end() || !prompt->is_string() || answer == object.end()) return std::nullopt;
  if (answer->is_string()) return Problem{prompt->get<std::string>(), answer->get<std::string>()};
  if (answer->is_number()) return Problem{prompt->get<std::string>(), answer->dump()};
  return std::nullopt;
}

}  // namespace

Result<std::vector<Problem>> read_problems(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail("{}: {}", printable(path), std::strerror(errno));
  std::vector<Problem> problems;
  std::string line;
  for (std::int64_t number = 1; std::getline(file, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    std::optional<Problem> problem = parse_problem(line);
    if (!problem) {
      return fail("{}: line {}: expected {{\"prompt\": text, \"answer\": text or number}}", printable(path),
                  number);
    }
    problems.push_back(std::move(*problem));
  }
  if (file.bad()) return fail("{}: {}", printable(path), std::strerror(errno));
  if (problems.empty()) return fail("{}: no problems in it", printable(path));
  return problems;
}

Interval wilson_interval(std::int64_t successes, std::int64_t trials) {
  CHECK(trials > 0 && successes >= 0 && successes <= trials);
  constexpr double kZ = 1.959963984540054;  // the 97.5th percentile of the normal distribution
  const auto n = static_cast<double>(trials);
  const double share = static_cast<double>(successes) / n;
  const double centre = (share + kZ * kZ / (2 * n)) / (1 + kZ * kZ / n);
  const double half = kZ / (1 + kZ * kZ / n) * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n));
  // At the ends the bounds are exact; rounding must not push them out.
  return {successes == 0 ? 0 : std::max(0.0, centre - half),
          successes == trials ? 1 : std::min(1.0, centre + half)};
}

}  // namespace aloud
