// Tests of the tree of pages: what is found, by whom, and what is given up first.
#include "engine/prefix_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "base/check.h"

namespace aloud {
namespace {

constexpr KvLayout kSmallestLayout{.layers = 1, .heads = 1, .key_width = 1, .value_width = 0};

std::vector<TokenId> consecutive(std::int64_t n, TokenId from = 0) {
  std::vector<TokenId> tokens(static_cast<std::size_t>(n));
  std::iota(tokens.begin(), tokens.end(), from);
  return tokens;
}

// A pool, a tree, and sequences that put what they computed into it.
struct TreeFixture {
  explicit TreeFixture(std::int64_t pages) : pool(kSmallestLayout, pages) {}

  // Puts all of a text in, its rest too, and returns its pages.
  std::vector<std::byte*> add(const PrefixText& text) {
    std::vector<std::byte*> pages;
    PrefixTree::Node* place = tree.root();
    tree.hold(place);
    for (std::size_t end = kPageTokens; end <= text.keys.size(); end += kPageTokens) {
      PrefixText part = text;
      part.keys = text.keys.first(end);
      std::byte* page = take();
      place = tree.extend(place, part, page);
      pages.push_back(PrefixTree::page(place));
      pool.give_back(page);
    }
    if (text.keys.size() % kPageTokens != 0) {
      std::byte* page = take();
      tree.add_end(place, text, page);
      pages.push_back(page);
      pool.give_back(page);
    }
    tree.release(place);
    return pages;
  }
  std::byte* take() {
    std::byte* page = pool.take();
    while (page == nullptr && tree.evict()) page = pool.take();
    CHECK(page != nullptr);
    return page;
  }
  // How many tokens are found, whole pages and the beginning of the next.
  std::int64_t found(const PrefixText& text) {
    const PrefixTree::Found result = tree.find(text);
    EXPECT_EQ(result.next == nullptr, result.next_tokens == 0);
    return std::ssize(result.pages) * kPageTokens + result.next_tokens;
  }

  KvPool pool;
  PrefixTree tree{pool};
};

TEST(PrefixTree, FindsWholePagesAndTheBeginningOfTheNext) {
  TreeFixture f(10);
  const std::vector<TokenId> tokens = consecutive(150);
  const std::vector<std::byte*> pages = f.add({tokens, "a"});
  ASSERT_EQ(pages.size(), 3u);
  EXPECT_EQ(f.found({tokens, "a"}), 150);
  EXPECT_EQ(f.found({std::span(tokens).first(149), "a"}), 149);
  EXPECT_EQ(f.found({std::span(tokens).first(100), "a"}), 100);
  const PrefixTree::Found found = f.tree.find({std::span(tokens).first(100), "a"});
  EXPECT_EQ(found.pages, std::vector<std::byte*>{pages[0]});
  EXPECT_EQ(PrefixTree::page(found.next), pages[1]);
  // What goes on differently is found up to there.
  std::vector<TokenId> other = tokens;
  other[70] = 999;
  EXPECT_EQ(f.found({other, "a"}), 70);
  other[0] = 999;
  EXPECT_EQ(f.found({other, "a"}), 0);
  EXPECT_EQ(f.found({{}, "a"}), 0);
}

TEST(PrefixTree, TheSameTokensAreKeptOnce) {
  TreeFixture f(10);
  const std::vector<TokenId> tokens = consecutive(150);
  const std::vector<std::byte*> first = f.add({tokens, "a"});
  EXPECT_EQ(f.add({std::span(tokens).first(128), "a"}), (std::vector{first[0], first[1]}));
  f.add({std::span(tokens).first(140), "a"});  // shows less of the last page
  EXPECT_EQ(f.tree.nodes(), 3);
  EXPECT_EQ(f.pool.used_pages(), 3);
  // A page that shows more takes the place of one that shows less.
  const std::vector<TokenId> more = consecutive(192);
  f.add({more, "a"});
  EXPECT_EQ(f.tree.nodes(), 3);
  EXPECT_EQ(f.pool.used_pages(), 3);
  EXPECT_EQ(f.found({more, "a"}), 192);
}

TEST(PrefixTree, OthersFindThePublicPagesOnly) {
  TreeFixture f(20);
  const std::vector<TokenId> tokens = consecutive(300);
  f.add({tokens, "a", 150});
  EXPECT_EQ(f.found({tokens, "a", 150}), 300);
  EXPECT_EQ(f.found({tokens, "b", 150}), 128);
  EXPECT_EQ(f.found({tokens, "b", 100}), 64);  // what b does not call public, b does not share
  EXPECT_EQ(f.found({tokens, "b"}), 0);
  EXPECT_EQ(f.found({tokens, "a"}), 0);
  EXPECT_EQ(f.found({tokens, "", 64}), 64);
  // What somebody has of his own is not found as public.
  const std::vector<TokenId> own = consecutive(128, 5000);
  f.add({own, "a"});
  f.add({own, ""});
  EXPECT_EQ(f.found({own, "b", 128}), 0);
  EXPECT_EQ(f.found({own, "b"}), 0);
}

TEST(PrefixTree, GivesUpTheLongestUnusedFromTheEnd) {
  TreeFixture f(6);
  const std::vector<TokenId> a = consecutive(192), b = consecutive(192, 1000);
  f.add({a, "x"});
  f.add({b, "x"});
  EXPECT_EQ(f.tree.idle_pages(), 6);
  // a is used again.
  PrefixTree::Node* place = f.tree.find({a, "x"}).place;
  f.tree.hold(place);
  EXPECT_EQ(f.tree.idle_pages(), 3);
  f.tree.release(place);
  EXPECT_TRUE(f.tree.evict());
  EXPECT_EQ(f.found({a, "x"}), 192);
  EXPECT_EQ(f.found({b, "x"}), 128);
  EXPECT_TRUE(f.tree.evict());
  EXPECT_TRUE(f.tree.evict());
  EXPECT_EQ(f.found({a, "x"}), 192);
  EXPECT_EQ(f.found({b, "x"}), 0);
  EXPECT_TRUE(f.tree.evict());
  EXPECT_EQ(f.found({a, "x"}), 128);
}

TEST(PrefixTree, WhatIsHeldStays) {
  TreeFixture f(6);
  const std::vector<TokenId> a = consecutive(192);
  f.add({a, "x"});
  PrefixTree::Node* place = f.tree.find({std::span(a).first(128), "x"}).place;
  f.tree.hold(place);
  EXPECT_EQ(f.tree.idle_pages(), 1);
  EXPECT_TRUE(f.tree.evict());
  EXPECT_FALSE(f.tree.evict());
  EXPECT_EQ(f.found({a, "x"}), 128);
  f.tree.release(place);
  EXPECT_TRUE(f.tree.evict());
  EXPECT_TRUE(f.tree.evict());
  EXPECT_FALSE(f.tree.evict());
  EXPECT_EQ(f.pool.used_pages(), 0);
}

// Against a list of all texts that were put in, while nothing is evicted.
TEST(PrefixTree, FindsWhatAListFinds) {
  std::mt19937 generator(3);
  const auto up_to = [&](int n) { return static_cast<int>(generator() % static_cast<unsigned>(n)); };
  TreeFixture f(10000);
  std::vector<std::vector<TokenId>> texts;
  for (int i = 0; i < 300; ++i) {
    // Two tokens only, and beginnings of others: long agreements.
    std::vector<TokenId> text;
    if (!texts.empty()) {
      text = texts[static_cast<std::size_t>(up_to(static_cast<int>(texts.size())))];
      text.resize(std::min<std::size_t>(text.size(), static_cast<std::size_t>(up_to(300))));
    }
    for (int n = up_to(100); n > 0; --n) text.push_back(up_to(2));
    std::int64_t longest = 0;
    for (const std::vector<TokenId>& other : texts)
      longest = std::max<std::int64_t>(longest, std::ranges::mismatch(text, other).in1 - text.begin());
    EXPECT_EQ(f.found({text, "x"}), longest) << i;
    f.add({text, "x"});
    EXPECT_EQ(f.found({text, "x"}), std::ssize(text));
    texts.push_back(text);
  }
  EXPECT_EQ(f.pool.used_pages(), f.tree.nodes());
  EXPECT_EQ(f.tree.idle_pages(), f.tree.nodes());
  while (f.tree.evict()) {
  }
  EXPECT_EQ(f.tree.nodes(), 0);
  EXPECT_EQ(f.pool.used_pages(), 0);
}

}  // namespace
}  // namespace aloud
