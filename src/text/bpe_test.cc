// Tests of byte-pair encoding against the definition, written down as plainly as possible.
#include "text/bpe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>

namespace aloud {
namespace {

// A random list of merges over `letters` byte tokens. Results that several pairs lead to make some merges
// come before those that their parts come from.
struct RandomMerges {
  std::array<TokenId, 256> bytes;
  std::vector<Bpe::Merge> merges;
};

RandomMerges random_merges(std::mt19937& random, int letters, int count) {
  RandomMerges made;
  made.bytes.fill(kNoToken);
  std::vector<std::string> pieces;
  std::map<std::string, TokenId> ids;
  for (int i = 0; i < letters; ++i) {
    pieces.emplace_back(1, static_cast<char>('a' + i));
    ids[pieces.back()] = i;
    made.bytes[static_cast<std::size_t>('a' + i)] = i;
  }
  std::map<std::pair<TokenId, TokenId>, bool> used;
  for (int i = 0; i < count; ++i) {
    const std::string left = pieces[random() % pieces.size()];
    const std::string right = pieces[random() % pieces.size()];
    if (left.size() + right.size() > 12 || std::exchange(used[{ids[left], ids[right]}], true)) continue;
    const auto [found, is_new] = ids.emplace(left + right, static_cast<TokenId>(pieces.size()));
    if (is_new) pieces.push_back(left + right);
    made.merges.push_back({ids[left], ids[right], found->second});
  }
  if (random() % 2 == 0) std::shuffle(made.merges.begin(), made.merges.end(), random);
  return made;
}

// Again and again the first merge in the list that applies, at its leftmost place.
std::vector<TokenId> encode_by_definition(const RandomMerges& vocabulary, std::string_view piece) {
  std::vector<TokenId> ids;
  for (const char c : piece) ids.push_back(vocabulary.bytes[static_cast<unsigned char>(c)]);
  for (bool merged = true; merged;) {
    merged = false;
    for (const Bpe::Merge& merge : vocabulary.merges) {
      for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
        if (ids[i] != merge.left || ids[i + 1] != merge.right) continue;
        ids[i] = merge.result;
        ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        merged = true;
        break;
      }
      if (merged) break;
    }
  }
  return ids;
}

TEST(Bpe, DoesWhatTheDefinitionSays) {
  std::mt19937 random(7);
  for (int round = 0; round < 400; ++round) {
    const int letters = 1 + static_cast<int>(random() % 4);
    const RandomMerges vocabulary = random_merges(random, letters, 1 + static_cast<int>(random() % 60));
    const Bpe bpe(vocabulary.bytes, vocabulary.merges);
    Bpe::Scratch scratch;
    for (const std::size_t longest : {8u, 90u, 400u}) {
      std::string piece(1 + random() % longest, 'a');
      for (char& c : piece)
        c = static_cast<char>('a' + static_cast<int>(random() % static_cast<unsigned>(letters)));
      std::vector<TokenId> ids;
      bpe.encode(piece, scratch, ids);
      ASSERT_EQ(ids, encode_by_definition(vocabulary, piece)) << "round " << round << ": " << piece;
    }
  }
}

// Every merge leads to one that comes before it in the list: whatever is done in lists by rank must not start
// over.
TEST(Bpe, MergesOutOfOrderStayLinear) {
  RandomMerges vocabulary;
  vocabulary.bytes.fill(kNoToken);
  for (int i = 0; i < 3; ++i) vocabulary.bytes[static_cast<std::size_t>('a' + i)] = i;
  vocabulary.merges = {{3, 2, 4}, {0, 1, 3}};  // ab c, a b
  const Bpe bpe(vocabulary.bytes, vocabulary.merges);
  std::string piece;
  for (int i = 0; i < 1'000'000; ++i) piece += "abc";
  Bpe::Scratch scratch;
  std::vector<TokenId> ids;
  bpe.encode(piece, scratch, ids);
  EXPECT_EQ(ids, std::vector<TokenId>(1'000'000, 4));
}

TEST(Bpe, AByteWithoutATokenBecomesTheReplacementCharacter) {
  std::array<TokenId, 256> bytes;
  bytes.fill(kNoToken);
  bytes['a'] = 0;
  std::vector<TokenId> ids;
  Bpe::Scratch scratch;
  Bpe(bytes, {}).encode("a\xFF", scratch, ids);
  EXPECT_EQ(ids, std::vector<TokenId>{0});
  bytes[0xEF] = 1;
  bytes[0xBF] = 2;
  bytes[0xBD] = 3;
  ids.clear();
  Bpe(bytes, {}).encode("a\xFF", scratch, ids);
  EXPECT_EQ(ids, (std::vector<TokenId>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace aloud
