// Reads affinity, topology and control groups.
#include "base/processors.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>
#include <thread>

namespace aloud {
namespace {

constexpr double kNoQuota = std::numeric_limits<double>::infinity();

// The two numbers of a quota; "max" and -1 stand for none.
double read_quota(std::istream& quota, std::istream& period) {
  double quota_us = 0, period_us = 0;
  if (!(quota >> quota_us) || !(period >> period_us) || quota_us <= 0 || period_us <= 0) return kNoQuota;
  return quota_us / period_us;
}

// Of one group's folder.
double group_quota(const std::string& folder) {
  std::ifstream both(folder + "/cpu.max");
  if (both) return read_quota(both, both);
  std::ifstream quota(folder + "/cpu.cfs_quota_us"), period(folder + "/cpu.cfs_period_us");
  return read_quota(quota, period);
}

// Whether a list such as "cpu,cpuacct" has the cpu controller in it.
bool names_cpu(std::string_view controllers) {
  while (!controllers.empty()) {
    const std::string_view name = controllers.substr(0, controllers.find(','));
    if (name == "cpu") return true;
    controllers.remove_prefix(std::min(controllers.size(), name.size() + 1));
  }
  return false;
}

}  // namespace

std::vector<int> processors_of_cores() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return {};
  std::vector<int> processors;
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    const std::string number = std::to_string(cpu);
    std::ifstream file("/sys/devices/system/cpu/cpu" + number + "/topology/thread_siblings_list");
    std::string siblings;
    if (!std::getline(file, siblings)) siblings = "cpu" + number;
    if (cores.insert(siblings).second) processors.push_back(cpu);
  }
  return processors;
}

double cpu_quota(std::string_view groups, const std::string& root) {
  double smallest = kNoQuota;
  while (!groups.empty()) {
    // "4:cpu,cpuacct:/a/b", or "0::/a/b" in version 2.
    const std::string_view line = groups.substr(0, groups.find('\n'));
    groups.remove_prefix(std::min(groups.size(), line.size() + 1));
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    if (!controllers.empty() && !names_cpu(controllers)) continue;
    const std::string mount = controllers.empty() ? root : root + "/" + std::string(controllers);
    // A container may see its own group as the root while its path is that of the host.
    for (std::string path(line.substr(second + 1));; path.resize(path.rfind('/'))) {
      smallest = std::min(smallest, group_quota(mount + path));
      if (path.find('/') == std::string::npos) break;
    }
  }
  return smallest;
}

int physical_cores() {
  auto cores = static_cast<double>(processors_of_cores().size());
  if (cores == 0) cores = std::thread::hardware_concurrency();
  std::ifstream file("/proc/self/cgroup");
  const std::string groups(std::istreambuf_iterator<char>(file), {});
  return std::max(1, static_cast<int>(std::min(cores, std::ceil(cpu_quota(groups, "/sys/fs/cgroup")))));
}

}  // namespace aloud
