// The sequences that wait for their turn.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/sequence.h"

namespace aloud {

// Does not own them. One thread.
class WaitingLine {
 public:
  void add(Sequence& sequence);
  void remove(Sequence& sequence);
  std::int64_t size() const { return std::ssize(line_); }
  // The first of those that are ready; nullptr: none.
  Sequence* next(const std::function<bool(Sequence&)>& is_ready) const;
  // Tells everybody's client its position, if that has changed or was not told for a second, and how long a
  // sequence at the head waits times that.
  void tell_positions(double now, double seconds_per_place);

 private:
  std::vector<Sequence*> in_turn() const;

  std::vector<Sequence*> line_;
  bool has_changed_ = false;
  double told_at_ = 0;
};

}  // namespace aloud
