// Sets of Unicode characters, as grammars name them.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

namespace aloud {

struct CharacterRange {
  char32_t first = 0;
  char32_t last = 0;  // inclusive
};

inline constexpr char32_t kLastCharacter = 0x10FFFF;

// Unicode scalar values only: surrogates that are added fall out.
class CharacterSet {
 public:
  CharacterSet() = default;
  CharacterSet(std::initializer_list<CharacterRange> ranges);
  explicit CharacterSet(std::span<const CharacterRange> ranges);
  static CharacterSet all();

  void add(char32_t first, char32_t last);
  void add(const CharacterSet& other);
  CharacterSet complement() const;
  CharacterSet intersection(const CharacterSet& other) const;

  bool empty() const { return ranges_.empty(); }
  // Sorted, with gaps between them.
  std::span<const CharacterRange> ranges() const& { return ranges_; }
  std::span<const CharacterRange> ranges() const&& = delete;

 private:
  void normalise();

  std::vector<CharacterRange> ranges_;
};

// The bytes of the UTF-8 forms of some characters: one to four ranges, each of which may take any value.
struct Utf8Sequence {
  struct Bytes {
    unsigned char first = 0;
    unsigned char last = 0;
  };
  Bytes bytes[4];
  int length = 0;
};

// Sequences that together stand for exactly the characters of the set.
std::vector<Utf8Sequence> utf8_sequences(const CharacterSet& characters);

}  // namespace aloud
