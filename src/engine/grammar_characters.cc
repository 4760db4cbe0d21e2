// Keeps ranges of characters sorted, and cuts them where the length or the bytes of their UTF-8 forms change.
#include "engine/grammar_characters.h"

#include <algorithm>
#include <string>

#include "base/utf8.h"

namespace aloud {

namespace {

constexpr char32_t kBeforeSurrogates = 0xD7FF;
constexpr char32_t kAfterSurrogates = 0xE000;

// The range has UTF-8 forms of one length.
void append_sequences(char32_t first, char32_t last, int length, std::vector<Utf8Sequence>& out) {
  // Where bytes before the i-th last differ, the i last ones must take all their values, or the range is cut.
  for (int i = 1; i < length; ++i) {
    const char32_t low_bits = (char32_t{1} << (6 * i)) - 1;
    if ((first & ~low_bits) == (last & ~low_bits)) continue;
    const char32_t cut = (first & low_bits) != 0         ? first | low_bits
                         : (last & low_bits) != low_bits ? (last & ~low_bits) - 1
                                                         : last;
    if (cut == last) continue;
    append_sequences(first, cut, length, out);
    append_sequences(cut + 1, last, length, out);
    return;
  }
  std::string low, high;
  append_utf8(first, low);
  append_utf8(last, high);
  Utf8Sequence sequence;
  sequence.length = length;
  for (int i = 0; i < length; ++i) {
    const auto at = static_cast<std::size_t>(i);
    sequence.bytes[i] = {static_cast<unsigned char>(low[at]), static_cast<unsigned char>(high[at])};
  }
  out.push_back(sequence);
}

}  // namespace

CharacterSet::CharacterSet(std::initializer_list<CharacterRange> ranges) : ranges_(ranges) { normalise(); }

CharacterSet::CharacterSet(std::span<const CharacterRange> ranges) : ranges_(ranges.begin(), ranges.end()) {
  normalise();
}

CharacterSet CharacterSet::all() { return {{0, kLastCharacter}}; }

void CharacterSet::add(char32_t first, char32_t last) {
  ranges_.push_back({first, last});
  normalise();
}

void CharacterSet::add(const CharacterSet& other) {
  ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
  normalise();
}

CharacterSet CharacterSet::complement() const {
  CharacterSet result;
  char32_t next = 0;
  for (const CharacterRange& range : ranges_) {
    if (range.first > next) result.ranges_.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastCharacter) result.ranges_.push_back({next, kLastCharacter});
  result.normalise();
  return result;
}

CharacterSet CharacterSet::intersection(const CharacterSet& other) const {
  CharacterSet outside = complement();
  outside.add(other.complement());
  return outside.complement();
}

void CharacterSet::normalise() {
  std::vector<CharacterRange> sorted;
  for (const CharacterRange& range : ranges_) {
    if (range.first <= kBeforeSurrogates)
      sorted.push_back({range.first, std::min(range.last, kBeforeSurrogates)});
    if (range.last >= kAfterSurrogates)
      sorted.push_back({std::max(range.first, kAfterSurrogates), range.last});
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const CharacterRange& a, const CharacterRange& b) { return a.first < b.first; });
  ranges_.clear();
  for (const CharacterRange& range : sorted) {
    if (!ranges_.empty() && range.first <= ranges_.back().last + 1)
      ranges_.back().last = std::max(ranges_.back().last, range.last);
    else
      ranges_.push_back(range);
  }
}

std::vector<Utf8Sequence> utf8_sequences(const CharacterSet& characters) {
  constexpr char32_t kLastOfLength[] = {0x7F, 0x7FF, 0xFFFF, kLastCharacter};
  std::vector<Utf8Sequence> out;
  for (const CharacterRange& range : characters.ranges()) {
    char32_t first = range.first;
    for (int length = 1; length <= 4 && first <= range.last; ++length) {
      const char32_t last = std::min(range.last, kLastOfLength[length - 1]);
      if (first > last) continue;
      append_sequences(first, last, length, out);
      first = last + 1;
    }
  }
  return out;
}

}  // namespace aloud
