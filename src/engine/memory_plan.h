// What a start would need of memory, and what the machine has left.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "models/model.h"

namespace aloud {

struct MemoryPlan {
  std::int64_t weight_bytes = 0;
  std::int64_t kv_bytes = 0;       // for the whole context
  std::int64_t scratch_bytes = 0;  // activations, attention, logits, sampling

  std::int64_t total_bytes() const { return weight_bytes + kv_bytes + scratch_bytes; }
};

// The plan for one sequence of `context` tokens.
MemoryPlan plan_memory(std::int64_t weight_bytes, const Model& model, std::int64_t context);

// Bytes that this process may still take: what the kernel calls available, and what the limits of its control
// groups (version 1 and 2, up to the top) leave. nullopt when nothing tells. root stands before /proc and
// /sys, for tests.
std::optional<std::int64_t> available_memory_bytes(const std::string& root = "");

// Errors: the plan needs more than there is; all numbers are named.
Status check_memory(const MemoryPlan& plan, std::optional<std::int64_t> available_bytes);

}  // namespace aloud
