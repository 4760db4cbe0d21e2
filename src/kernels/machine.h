// Which machine this is, and what machines like it were measured to do.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/isa.h"
#include "kernels/probe.h"

namespace aloud {

// The fields of /proc/cpuinfo of its first processor; empty and 0 where it does not say.
struct Machine {
  std::string processor;  // "AMD EPYC 9575F 64-Core Processor"
  std::string vendor;     // "AuthenticAMD"
  int family = 0;
  int model = 0;
};

Machine parse_machine(std::string_view cpuinfo);
Machine this_machine();

// The limits that were measured on an idle machine with this processor, if there is one in the table.
std::optional<MachineLimits> known_limits(const Machine& machine, Isa isa, int threads);

// The names of limits that were found more than 5 % below those known: the machine was not idle, or is slower
// than it looks, and shares of such limits mean little.
std::vector<std::string_view> suspect_limits(const MachineLimits& found, const MachineLimits& known);

}  // namespace aloud
