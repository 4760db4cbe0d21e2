// Reads /proc/meminfo and the control groups.
#include "engine/memory_plan.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>

#include "engine/session.h"

namespace aloud {
namespace {

// Activations of one prefill chunk: about so many float32 rows of the hidden width are alive at once
// (queries, keys, values, gate, up, their quantised copies; the widest feed-forward layers are five times the
// hidden width).
constexpr std::int64_t kScratchRows = 32;

// Limits at or above this are no limits (version 1 writes the largest multiple of a page).
constexpr std::int64_t kNoLimit = std::int64_t{1} << 60;

// The number after `key` in a file of "key value" lines; the whole file is one number where key is empty.
std::optional<std::int64_t> read_number(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  std::string word;
  while (file >> word) {
    if (!key.empty()) {
      std::string value;
      if (!(file >> value)) return std::nullopt;
      if (word != key) {
        std::getline(file, value);
        continue;
      }
      word = value;
    }
    std::int64_t number = 0;
    std::istringstream parser(word);
    if (parser >> number) return number;
    return std::nullopt;  // "max"
  }
  return std::nullopt;
}

struct GroupFiles {
  const char* limit;
  const char* usage;
  const char* reclaimable;  // key in memory.stat: file pages that the kernel gives up first
};

// What one control group leaves, or kNoLimit.
std::int64_t group_left(const std::string& folder, const GroupFiles& files) {
  const auto limit = read_number(folder + "/" + files.limit, "");
  const auto usage = read_number(folder + "/" + files.usage, "");
  if (!limit || !usage || *limit >= kNoLimit) return kNoLimit;
  const std::int64_t reclaimable = read_number(folder + "/memory.stat", files.reclaimable).value_or(0);
  return std::max<std::int64_t>(0, *limit - *usage + std::min(reclaimable, *usage));
}

// The least that the group and its ancestors leave. In a container the path may not exist; its ancestors do.
std::int64_t hierarchy_left(const std::string& mount, std::string path, const GroupFiles& files) {
  std::int64_t left = kNoLimit;
  for (;;) {
    left = std::min(left, group_left(mount + path, files));
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return left;
    path.erase(slash);
  }
}

std::string gibibytes(std::int64_t bytes) {
  return fmt::format("{:.2f} GiB", static_cast<double>(bytes) / (1 << 30));
}

}  // namespace

MemoryPlan plan_memory(std::int64_t weight_bytes, const Model& model, std::int64_t context) {
  const ModelShape& shape = model.shape();
  // Logits, and three times as much for the sampler's candidates.
  const std::int64_t scratch =
      4 * (kPrefillChunkTokens * kScratchRows * shape.hidden + 4 * shape.vocabulary) +
      model.attention_scratch_bytes(kPrefillChunkTokens, context);
  return {.weight_bytes = weight_bytes,
          .kv_bytes = pages_for(context) * shape.kv.page_bytes(),
          .scratch_bytes = scratch};
}

std::optional<std::int64_t> available_memory_bytes(const std::string& root) {
  std::int64_t left = kNoLimit;
  if (const auto kibibytes = read_number(root + "/proc/meminfo", "MemAvailable:")) left = *kibibytes * 1024;
  std::ifstream groups(root + "/proc/self/cgroup");
  std::string line;  // "0::/path" (version 2) or "4:cpu,memory:/path" (version 1)
  while (std::getline(groups, line)) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = fmt::format(",{},", line.substr(first + 1, second - first - 1));
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    if (line.starts_with("0::")) {
      left = std::min(left, hierarchy_left(root + "/sys/fs/cgroup", path,
                                           {"memory.max", "memory.current", "inactive_file"}));
    } else if (controllers.find(",memory,") != std::string::npos) {
      left = std::min(
          left, hierarchy_left(root + "/sys/fs/cgroup/memory", path,
                               {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}));
    }
  }
  if (left == kNoLimit) return std::nullopt;
  return left;
}

Status check_memory(const MemoryPlan& plan, std::optional<std::int64_t> available_bytes) {
  if (!available_bytes || plan.total_bytes() <= *available_bytes) return {};
  return fail("not enough memory: {} needed ({} weights, {} keys and values, {} scratch), {} available",
              gibibytes(plan.total_bytes()), gibibytes(plan.weight_bytes), gibibytes(plan.kv_bytes),
              gibibytes(plan.scratch_bytes), gibibytes(*available_bytes));
}

}  // namespace aloud
