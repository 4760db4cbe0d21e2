// Reads /proc/cpuinfo; holds the table of known machines.
#include "kernels/machine.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

namespace aloud {
namespace {

struct KnownMachine {
  std::string_view vendor;
  int family;
  Isa isa;
  int threads;
  MachineLimits limits;
};

// Virtual machines of two cores each.
constexpr KnownMachine kKnownMachines[] = {
    // Zen 5 at about 3.9 GHz
    {"AuthenticAMD", 26, Isa::kAvx512, 1, {38, 1004, 464, 254}},
    {"AuthenticAMD", 26, Isa::kAvx512, 2, {45, 1999, 918, 499}},
};

constexpr double kSuspectShare = 0.95;

int number(std::string_view text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const auto first = text.find_first_not_of(kSpace);
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

Machine parse_machine(std::string_view cpuinfo) {
  Machine machine;
  // The first processor's lines, up to the empty line before the next one.
  while (!cpuinfo.empty() && cpuinfo.front() != '\n') {
    const std::string_view line = cpuinfo.substr(0, cpuinfo.find('\n'));
    cpuinfo.remove_prefix(std::min(line.size() + 1, cpuinfo.size()));
    const auto colon = line.find(':');
    if (colon == line.npos) continue;
    const std::string_view key = trimmed(line.substr(0, colon)), value = trimmed(line.substr(colon + 1));
    if (key == "model name") machine.processor = value;
    if (key == "vendor_id") machine.vendor = value;
    if (key == "cpu family") machine.family = number(value);
    if (key == "model") machine.model = number(value);
  }
  return machine;
}

Machine this_machine() {
  std::ifstream file("/proc/cpuinfo");
  return parse_machine(std::string(std::istreambuf_iterator<char>(file), {}));
}

std::optional<MachineLimits> known_limits(const Machine& machine, Isa isa, int threads) {
  for (const KnownMachine& known : kKnownMachines) {
    if (known.vendor == machine.vendor && known.family == machine.family && known.isa == isa &&
        known.threads == threads) {
      return known.limits;
    }
  }
  return std::nullopt;
}

std::vector<std::string_view> suspect_limits(const MachineLimits& found, const MachineLimits& known) {
  std::vector<std::string_view> names;
  for (const LimitField& field : kLimitFields) {
    if (found.*field.value < kSuspectShare * (known.*field.value)) names.push_back(field.name);
  }
  return names;
}

}  // namespace aloud
