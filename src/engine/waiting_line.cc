// Finds the next and counts positions.
#include "engine/waiting_line.h"

#include <algorithm>
#include <map>

namespace aloud {

void WaitingLine::add(Sequence& sequence) {
  line_.push_back(&sequence);
  ++sequence.owner->waiting;
  has_changed_ = true;
}

void WaitingLine::remove(Sequence& sequence) {
  std::erase(line_, &sequence);
  --sequence.owner->waiting;
  sequence.told_position = 0;
  sequence.followed = 0;
  has_changed_ = true;
}

Sequence* WaitingLine::next(const std::function<bool(Sequence&)>& is_ready) const {
  std::vector<Sequence*> left = line_;
  while (!left.empty()) {
    const auto first = std::ranges::min_element(
        left, [](const Sequence* a, const Sequence* b) { return goes_before(*a, *b); });
    if (is_ready(**first)) return *first;
    left.erase(first);
  }
  return nullptr;
}

// As if owners took turns from now on, one sequence each.
std::vector<Sequence*> WaitingLine::in_turn() const {
  std::vector<Sequence*> order = line_;
  std::ranges::sort(order, [](const Sequence* a, const Sequence* b) { return goes_before(*a, *b); });
  struct Place {
    Sequence* sequence;
    std::int64_t round;  // how many of the same owner and priority go before
  };
  std::vector<Place> places;
  std::map<std::pair<const Owner*, int>, std::int64_t> rounds;
  for (Sequence* sequence : order)
    places.push_back({sequence, rounds[{sequence->owner, sequence->priority}]++});
  std::ranges::stable_sort(places, [](const Place& a, const Place& b) {
    if (a.sequence->priority != b.sequence->priority) return a.sequence->priority > b.sequence->priority;
    return a.round < b.round;
  });
  std::ranges::transform(places, order.begin(), &Place::sequence);
  return order;
}

void WaitingLine::tell_positions(double now, double seconds_per_place) {
  constexpr double kTellAgainSeconds = 1;
  const bool tell_all = now - told_at_ >= kTellAgainSeconds;
  if (line_.empty() || (!has_changed_ && !tell_all)) return;
  has_changed_ = false;
  if (tell_all) told_at_ = now;
  std::int64_t position = 0;
  for (Sequence* sequence : in_turn()) {
    ++position;
    if (!tell_all && sequence->told_position == position) continue;
    sequence->told_position = position;
    sequence->client->waiting(position, static_cast<double>(position) * seconds_per_place);
  }
}

}  // namespace aloud
