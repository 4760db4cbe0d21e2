// One sequence on its way through the scheduler.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "engine/fair_share.h"
#include "engine/generation.h"
#include "engine/sampler.h"
#include "engine/sequence_request.h"
#include "engine/shared_timeline.h"

namespace aloud {

// It waits, reads until all of its tokens are computed, generates; it may wait and read again.
enum class SequenceState { kWaiting, kReading, kGenerating };

// What only the scheduler touches, on the engine's thread, once it was submitted. Times as the scheduler's
// clock.
struct Sequence {
  // Takes what it needs of the request; the sampler is told the prompt.
  Sequence(SequenceRequest request, std::unique_ptr<SequenceClient> taker, KvPool& pool, PrefixTree& tree,
           bool roles_matter)
      : client(std::move(taker)),
        owner_name(std::move(request.owner)),
        priority(request.priority),
        max_tokens(request.max_tokens),
        sampler(std::move(request.sampling)),
        timeline(pool, tree, std::move(request.prompt), {owner_name, request.public_tokens}, roles_matter) {
    sampler.begin(timeline.tokens());
  }

  const std::unique_ptr<SequenceClient> client;
  const std::string owner_name;
  const int priority;
  const std::int64_t max_tokens;
  Sampler sampler;
  SharedTimeline timeline;
  SequenceId id = 0;
  Owner* owner = nullptr;

  SequenceState state = SequenceState::kWaiting;
  std::int64_t step_tokens = 0;      // that it computes in this step
  std::int64_t furthest_tokens = 0;  // that were computed before it paused
  Generation result;

  bool has_begun = false;
  double submitted_at = 0;
  double begun_at = 0;
  double read_at = 0;
  // While it waits: what the client was told last, and who reads what it could share, until that has computed
  // so much.
  std::int64_t told_position = 0;
  SequenceId followed = 0;
  std::int64_t followed_tokens = 0;
};

// The order of turns.
inline bool goes_before(const Sequence& a, const Sequence& b) {
  if (a.priority != b.priority) return a.priority > b.priority;
  if (a.owner->credit != b.owner->credit) return a.owner->credit > b.owner->credit;
  return a.id < b.id;
}

}  // namespace aloud
