// Looks for stop strings and for their beginnings at the end of the text.
#include "engine/stop_strings.h"

#include <algorithm>
#include <utility>

namespace aloud {

StopStrings::StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

std::string StopStrings::push(std::string_view text) {
  if (found_ != nullptr) return {};
  held_ += text;
  std::size_t first = std::string::npos;
  std::size_t first_end = std::string::npos;
  for (const std::string& stop : stops_) {
    const std::size_t begin = held_.find(stop);
    if (begin == std::string::npos) continue;
    // The one that is complete first ends the text, as if it had come byte by byte.
    const std::size_t end = begin + stop.size();
    if (end < first_end || (end == first_end && begin < first)) {
      first = begin;
      first_end = end;
      found_ = &stop;
    }
  }
  if (found_ != nullptr) {
    std::string out = held_.substr(0, first);
    held_.clear();
    return out;
  }
  std::size_t hold = 0;  // bytes at the end that begin a stop string
  for (const std::string& stop : stops_) {
    for (std::size_t length = std::min(stop.size() - 1, held_.size()); length > hold; --length) {
      if (std::string_view(held_).ends_with(std::string_view(stop).substr(0, length))) hold = length;
    }
  }
  std::string out = held_.substr(0, held_.size() - hold);
  held_.erase(0, held_.size() - hold);
  return out;
}

std::string StopStrings::finish() { return found_ != nullptr ? std::string() : std::exchange(held_, {}); }

}  // namespace aloud
