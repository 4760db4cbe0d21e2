// What is exported comes back the same, and what others call an export is refused with its place.
#include "api/conversation_json.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/store_testing.h"

namespace aloud {
namespace {

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
  const Json exported = export_json(read_whole(*store_, "alice", made->id));
  const Json parsed = Json::parse(exported.dump());
  JsonFields fields(parsed);
  const std::vector<WholeConversation> read = read_exports(fields);
  ASSERT_FALSE(fields.error()) << fields.error()->message;
  ASSERT_EQ(read.size(), 1u);
  now_ms_ += 1000;
  EXPECT_TRUE(import_conversation(*store_, "bob", read[0]).value().is_new);
  EXPECT_EQ(export_json(read_whole(*store_, "bob", made->id)), exported);
  // What the owner has stays; what the owner has deleted is imported beside it.
  const ImportedConversation present = import_conversation(*store_, "bob", read[0]).value();
  EXPECT_FALSE(present.is_new);
  EXPECT_EQ(present.conversation.id, made->id);
  EXPECT_EQ(store_->conversations("bob", {}).value().conversations.size(), 1u);
  ASSERT_TRUE(store_->delete_conversation("bob", made->id));
  const ImportedConversation beside = import_conversation(*store_, "bob", read[0]).value();
  EXPECT_TRUE(beside.is_new);
  EXPECT_NE(beside.conversation.id, made->id);
}

TEST(ConversationJson, RefusalsNameTheField) {
  const auto complaint = [](const std::string& text) {
    const Json json = Json::parse(text);
    JsonFields fields(json);
    read_exports(fields);
    return fields.error() ? fields.error()->message : std::string();
  };
  const std::string begin = R"({"format": "aloud-conversation", "version": 1, )";
  EXPECT_EQ(complaint("{}"), R"(format: missing, expected "aloud-conversation")");
  EXPECT_EQ(complaint(R"({"format": "other"})"), R"(format: "other" is not one of aloud-conversation)");
  EXPECT_EQ(complaint(R"({"format": "aloud-conversation", "version": 2})"),
            "version: 2 is not between 1 and 1");
  EXPECT_EQ(complaint(R"({"format": "aloud-conversation"})"), "version: missing, expected 1");
  EXPECT_EQ(complaint(begin + R"("title": "t"})"), "messages: missing, expected an array");
  EXPECT_EQ(complaint(begin + R"("messages": {}})"), "messages: an object is not an array");
  EXPECT_EQ(complaint(begin + R"("title": 1, "messages": []})"), "title: 1 is not a string");
  EXPECT_EQ(complaint(begin + R"("pinned": "yes", "messages": []})"),
            R"(pinned: "yes" is not true or false)");
  EXPECT_EQ(complaint(begin + R"("messages": [7]})"), "messages[0]: 7 is not an object");
  EXPECT_EQ(complaint(begin + R"("messages": [{"created_ms": -1}]})"),
            "messages[0].created_ms: -1 is not between 0 and 9007199254740992");
  EXPECT_EQ(complaint(begin + R"("messages": [{"created_ms": 1e300}]})"),
            "messages[0].created_ms: 1e+300 is not a whole number from 0 to 9007199254740992");
  EXPECT_EQ(
      complaint(begin + R"("messages": [{"status": "sleeping"}]})"),
      R"(messages[0].status: "sleeping" is not one of running, complete, failed, cancelled, interrupted)");
  EXPECT_EQ(complaint(begin + R"("title": null, "messages": []})"), "");
  const std::string many = R"({"format": "aloud-conversations", "version": 1, )";
  EXPECT_EQ(complaint(many + R"("conversations": 7})"), "conversations: 7 is not an array");
  EXPECT_EQ(complaint(many + R"("conversations": [{}]})"),
            R"(conversations[0].format: missing, expected "aloud-conversation")");
  EXPECT_EQ(complaint(many + R"("conversations": [)" + begin + R"("messages": [{"role": 7}]}]})"),
            "conversations[0].messages[0].role: 7 is not a string");
}

TEST_F(StoreTest, ForksTakeTheWayToTheLeaf) {
  const WholeConversation old{
      .conversation = {.id = "old", .title = "t", .folder = "f"},
      .messages = {message_of("q", "", "user", "?"), message_of("a1", "q", "assistant", "one"),
                   message_of("a2", "q", "assistant", "two"), message_of("q2", "a1", "user", "more")}};
  const auto fork = fork_conversation(*store_, "alice", old, "a2");
  ASSERT_TRUE(fork.has_value()) << fork.error().message;
  EXPECT_NE(fork->id, "old");
  EXPECT_EQ(fork->folder, "f");
  EXPECT_EQ(fork->active_leaf, "a2");
  const auto messages = store_->messages("alice", fork->id).value();
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[1].content, "two");
  EXPECT_EQ(fork_conversation(*store_, "alice", old, "x").error().kind, StoreError::Kind::kNotFound);
}

}  // namespace
}  // namespace aloud
