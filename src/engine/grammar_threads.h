// Walks through a grammar byte by byte, in all the ways in which a text can be read at once.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/grammar.h"

namespace aloud {

// Where to go on after a rule, and after that; numbers of a GrammarWalker.
using GrammarFrameId = std::uint32_t;
inline constexpr GrammarFrameId kNoFrame = 0;  // nothing was called

// One way to read the text so far.
struct GrammarThread {
  Grammar::StateId state = 0;
  GrammarFrameId frame = kNoFrame;

  auto operator<=>(const GrammarThread&) const = default;
};

// More ways than this are not followed: of an ambiguous grammar some texts are then refused, and never a
// wrong one accepted. There is always a way to the end.
inline constexpr std::size_t kMostGrammarThreads = 256;

// One thread of the program. The grammar must outlive it.
class GrammarWalker {
 public:
  explicit GrammarWalker(const Grammar& grammar) : grammar_(grammar) { frames_.emplace_back(); }

  const Grammar& grammar() const { return grammar_; }

  // Appends to threads where those of [begin, end) of it stand after a byte. None: they cannot read it.
  void step(std::vector<GrammarThread>& threads, std::size_t begin, std::size_t end, std::uint8_t byte);

  // The thread in the caller. The thread's rule must be at an end, and have been called.
  GrammarThread back(const GrammarThread& thread) const { return frames_[thread.frame]; }
  // The rules up to the first may all end here.
  bool may_end(GrammarThread thread) const;

  // Forgets frames that none of the threads returns to, where there are many; the threads get new numbers.
  void forget_frames(std::vector<GrammarThread>& threads);

 private:
  struct Step {
    std::vector<GrammarThread>& threads;
    std::size_t first;  // those from here on are new
    std::uint8_t byte;
    int visits = 0;
  };
  void enter(GrammarThread thread, Step& step);
  GrammarFrameId push(const GrammarThread& back);

  const Grammar& grammar_;
  std::vector<GrammarThread> frames_;                          // by number; the first is kNoFrame
  std::unordered_map<std::uint64_t, GrammarFrameId> numbers_;  // equal frames are one
};

}  // namespace aloud
