// The processors that this process may use.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace aloud {

// One processor of each physical core that the affinity mask of the calling thread allows, by number. Two
// processors are one core when they name the same siblings. Empty if the system does not say.
std::vector<int> processors_of_cores();

// Physical cores that this process may keep busy: as many as the affinity mask allows, and no more than the
// CPU quota of its control group, rounded up. At least 1.
int physical_cores();

// The CPU quota, in processors, of a process whose /proc/self/cgroup reads `groups`, with the control groups
// mounted below `root`: the smallest among its group and the groups around that. Versions 1 and 2. Infinity
// where there is none.
double cpu_quota(std::string_view groups, const std::string& root);

}  // namespace aloud
