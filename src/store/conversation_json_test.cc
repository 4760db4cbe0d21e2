// What is exported comes back the same, and what others call an export is refused with its place.
#include "store/conversation_json.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/store_testing.h"

namespace aloud {
namespace {

using nlohmann::ordered_json;

WholeConversation read_whole(Store& store, const std::string& owner, const std::string& id) {
  return {store.conversation(owner, id).value(), store.messages(owner, id).value()};
}

TEST_F(StoreTest, ExportsComeBackTheSame) {
  StoredMessage answer = message_of("a", "q", "assistant", "42");
  answer.thought = "hm";
  answer.usage = {{"completion_tokens", 3}};
  answer.status = ReplyStatus::kFailed;
  const auto made = store_->create_conversation(
      "alice", {.title = "t", .folder = "f", .pinned = true, .settings = {{"effort", "low"}}},
      {message_of("q", "", "user", "?"), answer, message_of("q2", "", "user", "again?")});
  const ordered_json exported = export_json(read_whole(*store_, "alice", made->id));
  const auto parsed = parse_export(ordered_json::parse(exported.dump()));
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  now_ms_ += 1000;
  EXPECT_TRUE(import_conversation(*store_, "bob", *parsed).value().is_new);
  EXPECT_EQ(export_json(read_whole(*store_, "bob", made->id)), exported);
  // What the owner has stays; what the owner has deleted is imported beside it.
  const ImportedConversation present = import_conversation(*store_, "bob", *parsed).value();
  EXPECT_FALSE(present.is_new);
  EXPECT_EQ(present.conversation.id, made->id);
  EXPECT_EQ(store_->conversations("bob", {}).value().conversations.size(), 1u);
  ASSERT_TRUE(store_->delete_conversation("bob", made->id));
  const ImportedConversation beside = import_conversation(*store_, "bob", *parsed).value();
  EXPECT_TRUE(beside.is_new);
  EXPECT_NE(beside.conversation.id, made->id);
}

TEST(ConversationJson, RefusalsNameTheField) {
  const auto complaint = [](const char* text) {
    const auto parsed = parse_export(ordered_json::parse(text));
    return parsed ? std::string() : parsed.error().message;
  };
  const std::string begin = R"({"format": "aloud-conversation", "version": 1, )";
  EXPECT_EQ(complaint("[]"), "conversation: expected an object");
  EXPECT_EQ(complaint("{}"), "conversation.format: expected aloud-conversation");
  EXPECT_EQ(complaint(R"({"format": "aloud-conversation", "version": 2})"),
            "conversation.version: expected 1");
  EXPECT_EQ(complaint((begin + R"("messages": {}})").c_str()), "conversation.messages: expected an array");
  EXPECT_EQ(complaint((begin + R"("title": 1, "messages": []})").c_str()),
            "conversation.title: expected a string");
  EXPECT_EQ(complaint((begin + R"("pinned": "yes", "messages": []})").c_str()),
            "conversation.pinned: expected true or false");
  EXPECT_EQ(complaint((begin + R"("messages": [7]})").c_str()), "messages[0]: expected an object");
  EXPECT_EQ(complaint((begin + R"("messages": [{"created_ms": -1}]})").c_str()),
            "messages[0].created_ms: expected a whole number from 0 on");
  EXPECT_EQ(complaint((begin + R"("messages": [{"created_ms": 1e300}]})").c_str()),
            "messages[0].created_ms: expected a whole number from 0 on");
  EXPECT_EQ(complaint((begin + R"("messages": [{"status": "sleeping"}]})").c_str()),
            "messages[0].status: expected running, complete, failed, cancelled or interrupted");
  EXPECT_EQ(complaint((begin + R"("title": null, "messages": []})").c_str()), "");
}

TEST_F(StoreTest, ForksTakeTheWayToTheLeaf) {
  const auto made = store_->create_conversation(
      "alice", {.title = "t", .folder = "f"},
      {message_of("q", "", "user", "?"), message_of("a1", "q", "assistant", "one"),
       message_of("a2", "q", "assistant", "two"), message_of("q2", "a1", "user", "more")});
  const auto fork = fork_conversation(*store_, "alice", made->id, "a2");
  ASSERT_TRUE(fork.has_value()) << fork.error().message;
  EXPECT_NE(fork->id, made->id);
  EXPECT_EQ(fork->folder, "f");
  EXPECT_EQ(fork->active_leaf, "a2");
  const auto messages = store_->messages("alice", fork->id).value();
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[1].content, "two");
  EXPECT_EQ(fork_conversation(*store_, "alice", made->id, "x").error().kind, StoreError::Kind::kNotFound);
  EXPECT_EQ(fork_conversation(*store_, "bob", made->id, "a2").error().kind, StoreError::Kind::kNotFound);
}

}  // namespace
}  // namespace aloud
