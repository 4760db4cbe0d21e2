// Tests of pages that are counted and shared.
#include "engine/kv_cache.h"

#include <gtest/gtest.h>

#include <cstring>

namespace aloud {
namespace {

constexpr KvLayout kLayout{.layers = 1, .heads = 1, .key_width = 1, .value_width = 0};

TEST(KvPool, APageIsFreeWhenNobodyRefersToIt) {
  KvPool pool(kLayout, 2);
  std::byte* page = pool.take();
  EXPECT_NE(pool.take(), nullptr);
  EXPECT_EQ(pool.take(), nullptr);
  pool.share(page);
  EXPECT_EQ(pool.references(page), 2);
  pool.give_back(page);
  EXPECT_EQ(pool.take(), nullptr);
  pool.give_back(page);
  EXPECT_EQ(pool.references(page), 0);
  EXPECT_EQ(pool.free_pages(), 1);
  EXPECT_EQ(pool.take(), page);
}

TEST(KvSequence, SharesWholePagesAndCopiesTheBeginningOfOne) {
  KvPool pool(kLayout, 10);
  KvSequence first(pool);
  ASSERT_TRUE(first.reserve(100));
  first.advance(100);
  std::memset(first.pages()[1], 7, static_cast<std::size_t>(kLayout.page_bytes()));
  {
    KvSequence second(pool);
    second.append_shared(first.pages()[0]);
    second.append_copy(first.pages()[1], 36);
    EXPECT_EQ(second.length(), 100);
    EXPECT_EQ(second.pages()[0], first.pages()[0]);
    EXPECT_NE(second.pages()[1], first.pages()[1]);
    EXPECT_EQ(
        std::memcmp(second.pages()[1], first.pages()[1], static_cast<std::size_t>(kLayout.page_bytes())), 0);
    EXPECT_EQ(pool.used_pages(), 3);
    EXPECT_EQ(second.missing_pages(28), 0);
    EXPECT_EQ(second.missing_pages(29), 1);
    // A page with the same contents.
    second.replace(1, first.pages()[1]);
    EXPECT_EQ(pool.used_pages(), 2);
    EXPECT_EQ(pool.references(first.pages()[1]), 2);
  }
  EXPECT_EQ(pool.references(first.pages()[0]), 1);
  EXPECT_EQ(pool.used_pages(), 2);
}

TEST(KvSequence, TakesNothingWhereThereIsTooLittle) {
  KvPool pool(kLayout, 2);
  KvSequence sequence(pool);
  EXPECT_FALSE(sequence.reserve(129));
  EXPECT_EQ(pool.used_pages(), 0);
  EXPECT_TRUE(sequence.reserve(128));
}

}  // namespace
}  // namespace aloud
