// What is purged is in no file of the store any more.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/secret.h"
#include "store/sqlite_database.h"
#include "store/store_testing.h"

namespace aloud {
namespace {

// All bytes of all files of a folder.
std::string bytes_below(const std::string& folder) {
  std::string bytes;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    bytes.append(std::istreambuf_iterator<char>(in), {});
  }
  return bytes;
}

// Words that are nowhere else: "k" and 20 hex digits each.
constexpr std::size_t kWordBytes = 21;
std::string new_word() { return random_id("k").substr(0, kWordBytes); }

std::set<std::string> words_in(const std::string& bytes) {
  std::set<std::string> words;
  std::size_t digits = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == 'k') {
      digits = 1;
    } else if (digits > 0 && std::isxdigit(static_cast<unsigned char>(bytes[i])) != 0) {
      if (++digits == kWordBytes) words.insert(bytes.substr(i + 1 - kWordBytes, kWordBytes));
    } else {
      digits = 0;
    }
  }
  return words;
}

std::size_t common(const std::set<std::string>& found, const std::set<std::string>& words) {
  return static_cast<std::size_t>(std::count_if(
      words.begin(), words.end(), [&](const std::string& word) { return found.contains(word); }));
}

// Conversations of all sizes, so that rows move between pages; what each of them says goes to `words`.
Conversation random_chat(Store& store, std::mt19937& random, std::set<std::string>& words) {
  const auto say = [&](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += *words.insert(new_word()).first + " ";
    return text;
  };
  const std::size_t sizes[] = {0, 1, 2, 5, 20, 100, 300};
  std::vector<StoredMessage> messages;
  for (std::uint32_t i = 0; i <= random() % 5; ++i) {
    StoredMessage message = message_of("", "", "assistant", say(sizes[random() % 7]));
    message.thought = say(sizes[random() % 7]);
    messages.push_back(std::move(message));
  }
  return store.create_conversation("alice", {.title = say(1), .folder = say(1)}, std::move(messages)).value();
}

TEST_F(StoreTest, PurgedTextIsInNoFile) {
  std::mt19937 random(7);
  std::set<std::string> kept_words;
  std::set<std::string> purged_words;
  std::vector<std::string> purged;
  for (int i = 0; i < 200; ++i) {
    const bool goes = random() % 2 == 0;
    const Conversation chat = random_chat(*store_, random, goes ? purged_words : kept_words);
    if (goes) purged.push_back(chat.id);
    // Some are purged while others are still to come.
    if (i % 50 == 25) {
      ASSERT_TRUE(store_->delete_conversation("alice", purged.back()));
      ASSERT_TRUE(store_->purge(now_ms_ + 1));
      purged.pop_back();
    }
  }
  for (const std::string& id : purged) ASSERT_TRUE(store_->delete_conversation("alice", id));
  std::set<std::string> found = words_in(bytes_below(folder()));
  EXPECT_GT(common(found, kept_words), kept_words.size() * 9 / 10);      // some words lie on two pages
  EXPECT_GT(common(found, purged_words), purged_words.size() * 8 / 10);  // deleted is not purged
  ASSERT_EQ(store_->purge(now_ms_ + 1).value(), static_cast<std::int64_t>(purged.size()));
  found = words_in(bytes_below(folder()));
  EXPECT_GT(common(found, kept_words), kept_words.size() * 9 / 10);
  EXPECT_EQ(common(found, purged_words), 0u);
  EXPECT_EQ(store_->search("alice", *kept_words.begin()).value().hits.size(), 1u);
}

TEST_F(StoreTest, PurgedTextIsNotInTheIndex) {
  // What the index holds besides the tables: the trigrams of a text, in order.
  const std::string trigrams = "\xE7\x8C\xAB\xE7\x8B\x97\xE9\xB1\xBC";  // of no other message
  const Conversation gone = chat("alice", "t", trigrams, "answer");
  chat("alice", "t", "another question", "another answer");
  const auto index = [&] {
    SQLite::Database database = open_database(database_path(), DatabaseUse::kRead, "");
    SQLite::Statement rows = prepare(database, "SELECT block FROM message_index_data");
    std::string bytes;
    while (rows.executeStep()) bytes += text_at(rows, 0);
    return bytes;
  };
  // So much more that it is not merged at once.
  for (int i = 0; i < 40; ++i) {
    std::string text;
    while (text.size() < 60'000) text += new_word() + " ";
    chat("alice", "t", text, "answer");
  }
  EXPECT_GT(index().size(), 2'500'000u);
  EXPECT_NE(index().find(trigrams), std::string::npos);
  ASSERT_TRUE(store_->delete_conversation("alice", gone.id));
  ASSERT_TRUE(store_->purge(now_ms_ + 1));
  EXPECT_EQ(index().find(trigrams), std::string::npos);
  EXPECT_EQ(store_->search("alice", "another").value().hits.size(), 1u);
}

TEST_F(StoreTest, DeletedResponsesAreErasedByTheNextPurge) {
  const std::string canary = new_word();
  ASSERT_TRUE(store_->put_response("alice", {.id = "resp_1", .body = {{"output", canary}}}));
  ASSERT_TRUE(store_->delete_response("alice", "resp_1"));
  ASSERT_EQ(store_->purge(0).value(), 0);
  EXPECT_FALSE(words_in(bytes_below(folder())).contains(canary));
}

}  // namespace
}  // namespace aloud
