// Steps through states, calls and returns; frames are shared, so that threads can be compared by number.
#include "engine/grammar_threads.h"

#include <algorithm>

#include "base/check.h"

namespace aloud {

namespace {

// Of one step: hostile grammars have exponentially many ways to begin.
constexpr int kMostVisits = 4096;
constexpr std::size_t kManyFrames = 1 << 14;

std::uint64_t key_of(const GrammarThread& frame) { return std::uint64_t{frame.state} << 32 | frame.frame; }

}  // namespace

void GrammarWalker::step(std::vector<GrammarThread>& threads, std::size_t begin, std::size_t end,
                         std::uint8_t byte) {
  Step step{threads, threads.size(), byte};
  for (std::size_t i = begin; i < end; ++i) enter(threads[i], step);
}

void GrammarWalker::enter(GrammarThread thread, Step& step) {
  for (;;) {
    if (++step.visits > kMostVisits) return;
    if (grammar_.may_read(thread.state, step.byte)) {
      for (const Grammar::Edge& edge : grammar_.edges(thread.state)) {
        if (step.byte < edge.first || step.byte > edge.last) continue;
        const GrammarThread next{edge.target, thread.frame};
        const auto first = step.threads.begin() + static_cast<std::ptrdiff_t>(step.first);
        if (step.threads.size() - step.first < kMostGrammarThreads &&
            std::find(first, step.threads.end(), next) == step.threads.end())
          step.threads.push_back(next);
        break;
      }
      for (const Grammar::Call& call : grammar_.calls(thread.state)) {
        if (grammar_.may_read(call.begin, step.byte))
          enter({call.begin, call.last ? thread.frame : push({call.target, thread.frame})}, step);
      }
    }
    if (!grammar_.is_final(thread.state) || thread.frame == kNoFrame) return;
    thread = back(thread);
  }
}

GrammarFrameId GrammarWalker::push(const GrammarThread& back) {
  const auto [found, is_new] =
      numbers_.try_emplace(key_of(back), static_cast<GrammarFrameId>(frames_.size()));
  if (is_new) frames_.push_back(back);
  return found->second;
}

bool GrammarWalker::may_end(GrammarThread thread) const {
  while (grammar_.is_final(thread.state)) {
    if (thread.frame == kNoFrame) return true;
    thread = back(thread);
  }
  return false;
}

void GrammarWalker::forget_frames(std::vector<GrammarThread>& threads) {
  if (frames_.size() < kManyFrames) return;
  // A frame's number is larger than that of the one below it.
  std::vector<bool> used(frames_.size());
  for (const GrammarThread& thread : threads) used[thread.frame] = true;
  for (std::size_t i = frames_.size(); i-- > 1;) {
    if (used[i]) used[frames_[i].frame] = true;
  }
  std::vector<GrammarFrameId> numbers(frames_.size(), kNoFrame);
  std::vector<GrammarThread> kept(1);
  numbers_.clear();
  for (std::size_t i = 1; i < frames_.size(); ++i) {
    if (!used[i]) continue;
    const GrammarThread frame{frames_[i].state, numbers[frames_[i].frame]};
    numbers[i] = static_cast<GrammarFrameId>(kept.size());
    numbers_[key_of(frame)] = numbers[i];
    kept.push_back(frame);
  }
  frames_ = std::move(kept);
  for (GrammarThread& thread : threads) thread.frame = numbers[thread.frame];
}

}  // namespace aloud
