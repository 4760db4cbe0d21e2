// Search: what is found, in which alphabet, and what is marked.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/search_text.h"
#include "store/store_testing.h"

namespace aloud {
namespace {

using Kind = StoreError::Kind;

// "…[word] rest": matches in brackets.
std::string shown(const std::vector<TextPiece>& pieces) {
  std::string out;
  for (const TextPiece& piece : pieces) out += piece.matches ? "[" + piece.text + "]" : piece.text;
  return out;
}

TEST(SearchText, FoldsThreeAlphabets) {
  EXPECT_EQ(fold_case("AbZ[@ÀÉÞ×ŁŽŸ ΑΩ ЀЯё 漢"), fold_case("abz[@àéþ×łžŸ αω ѐяё 漢"));
  EXPECT_NE(fold_case("×"), fold_case("÷"));
}

TEST(SearchText, WordsAreBetweenWhiteSpace) {
  EXPECT_EQ(search_words(" Two\twords\u3000two "), (std::vector<std::u32string>{U"two", U"words"}));
  EXPECT_TRUE(search_words(" \n").empty());
}

TEST(SearchText, ExcerptsAreCutAroundTheFirstMatch) {
  const std::vector<std::u32string> words = {U"needle"};
  EXPECT_EQ(shown(marked_pieces("a NEEDLE, a needle", words, 0)), "a [NEEDLE], a [needle]");
  EXPECT_EQ(shown(marked_pieces("no match here", words, 8)), "no match…");
  EXPECT_EQ(shown(marked_pieces("", words, 8)), "");
  const std::string text = std::string(100, 'x') + "needle" + std::string(100, 'y');
  EXPECT_EQ(shown(marked_pieces(text, words, 16)), "…xxxx[needle]yyyyyy…");
  EXPECT_EQ(shown(marked_pieces("xxxxxxxxxxxxneedle", words, 8)), "…xx[needle]");
  EXPECT_EQ(shown(marked_pieces("aaa", {U"aa"}, 0)), "[aa]a");
}

TEST_F(StoreTest, SearchFindsTitlesContentsAndThoughts) {
  StoredMessage answer = message_of("a", "q", "assistant", "The answer is forty-two.");
  answer.thought = "Deep Thought considered it";
  const auto c = store_->create_conversation("alice", {.title = "Hitchhiker"},
                                             {message_of("q", "", "user", "Life, universe?"), answer});
  for (const char* query :
       {"HITCH", "forty", "considered", "deep thought", "universe", "fort answer", "it", "42 forty"}) {
    const auto page = store_->search("alice", query);
    ASSERT_TRUE(page.has_value()) << page.error().message;
    EXPECT_EQ(page->hits.size(), std::string(query) == "42 forty" ? 0u : 1u) << query;
  }
  ASSERT_EQ(store_->search("alice", "hitch").value().hits.size(), 1u);
  const SearchHit in_title = store_->search("alice", "hitch").value().hits.front();
  EXPECT_EQ(in_title.conversation.id, c->id);
  EXPECT_EQ(shown(in_title.title), "[Hitch]hiker");
  EXPECT_TRUE(in_title.messages.empty());
  const SearchHit in_thought = store_->search("alice", "deep").value().hits.front();
  ASSERT_EQ(in_thought.messages.size(), 1u);
  EXPECT_EQ(in_thought.messages[0].message, "a");
  EXPECT_TRUE(in_thought.messages[0].in_thought);
  EXPECT_EQ(shown(in_thought.messages[0].excerpt), "[Deep] Thought considered it");
  // All words in one message: the question has one of these, the answer the other.
  EXPECT_TRUE(store_->search("alice", "universe forty").value().hits.empty());
}

TEST_F(StoreTest, SearchReadsChineseAndShortWords) {
  chat("alice", "算术", "小红有5547本书", "一共有6225本书");
  for (const char* query : {"小红有", "红", "本书", "算术", "6225本书 一共", "算"}) {
    EXPECT_EQ(store_->search("alice", query).value().hits.size(), 1u) << query;
  }
  EXPECT_TRUE(store_->search("alice", "小明").value().hits.empty());
  EXPECT_EQ(shown(store_->search("alice", "书").value().hits.front().messages.back().excerpt),
            "小红有5547本[书]");
}

TEST_F(StoreTest, SearchTakesSignsLiterally) {
  chat("alice", "signs", "is 100% of \"a_b\" NEAR(c) - or * ?", "yes");
  chat("alice", "other", "is 1000 of axb near c", "no");
  for (const char* query : {"100%", "\"a_b\"", "a_b", "NEAR(c)", "* ?", "%", "AND", "- OR"}) {
    const auto page = store_->search("alice", query);
    ASSERT_TRUE(page.has_value()) << query << ": " << page.error().message;
    EXPECT_EQ(page->hits.size(), std::string(query) == "AND" ? 0u : 1u) << query;
  }
  EXPECT_EQ(store_->search("alice", " ").error().kind, Kind::kInvalid);
  std::string many;
  for (std::size_t i = 0; i <= kMostSearchWords; ++i) many += "w" + std::to_string(i) + " ";
  EXPECT_EQ(store_->search("alice", many).error().kind, Kind::kInvalid);
}

TEST_F(StoreTest, SearchGoesPageByPageNewestFirst) {
  for (int i = 0; i < 5; ++i) {
    ++now_ms_;
    const auto c = store_->create_conversation(
        "alice", {.title = std::to_string(i), .pinned = i == 0, .archived = i == 1});
    std::vector<StoredMessage> many;
    for (int m = 0; m < 5; ++m) many.push_back(message_of("m" + std::to_string(m), "", "user", "common"));
    ASSERT_TRUE(store_->add_messages("alice", c->id, many));
  }
  std::string found;
  std::string cursor;
  do {
    const SearchPage page = store_->search("alice", "common", cursor, 2).value();
    for (const SearchHit& hit : page.hits) {
      found += hit.conversation.title;
      ASSERT_EQ(hit.messages.size(), kHitsPerConversation);
      EXPECT_EQ(hit.messages.front().message, "m4");
    }
    cursor = page.next;
  } while (!cursor.empty());
  EXPECT_EQ(found, "43210");
}

}  // namespace
}  // namespace aloud
