// What the store promises, call by call, on SQLite.
#include "store/sqlite_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/store_testing.h"

namespace aloud {
namespace {

using Kind = StoreError::Kind;
using nlohmann::ordered_json;

std::vector<std::string> titles(const StoreResult<ConversationPage>& page) {
  std::vector<std::string> out;
  for (const Conversation& conversation : page.value().conversations) out.push_back(conversation.title);
  return out;
}

TEST_F(StoreTest, FilesAreOfTheUserAlone) {
  struct stat status {};
  ASSERT_EQ(::stat(folder().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  chat("alice", "t", "q", "a");
  for (const char* suffix : {"", "-wal", "-shm"}) {
    ASSERT_EQ(::stat((database_path() + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << suffix;
  }
}

TEST_F(StoreTest, KeepsEveryFieldAcrossOpening) {
  StoredMessage answer = message_of("a", "q", "assistant", "42 \xE7\xAD\x94");
  answer.thought = std::string("with a NUL \0 inside", 19);
  answer.tool_calls = ordered_json::parse(R"([{"id": "call_1", "function": {"name": "f"}}])");
  answer.model = "r1";
  answer.status = ReplyStatus::kCancelled;
  answer.finish_reason = "stop";
  answer.usage = {{"completion_tokens", 7}};
  answer.timings = {{"prefill_ms", 1.5}};
  answer.extra = {{"files", {"a.txt"}}};
  StoredMessage result = message_of("t", "a", "tool", "17 degrees");
  result.tool_call_id = "call_1";
  const auto made = store_->create_conversation(
      "alice", {.title = "sums", .folder = "school", .pinned = true, .settings = {{"effort", "low"}}},
      {message_of("q", "", "user", "?"), answer, result});
  ASSERT_TRUE(made.has_value()) << made.error().message;
  open();
  const Conversation read = store_->conversation("alice", made->id).value();
  EXPECT_EQ(read.title, "sums");
  EXPECT_EQ(read.folder, "school");
  EXPECT_TRUE(read.pinned);
  EXPECT_FALSE(read.archived);
  EXPECT_EQ(read.active_leaf, "t");
  EXPECT_EQ(read.settings, made->settings);
  EXPECT_EQ(read.created_ms, now_ms_);
  const std::vector<StoredMessage> messages = store_->messages("alice", made->id).value();
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[1].parent, "q");
  EXPECT_EQ(messages[1].content, answer.content);
  EXPECT_EQ(messages[1].thought, answer.thought);
  EXPECT_EQ(messages[1].tool_calls, answer.tool_calls);
  EXPECT_EQ(messages[1].model, "r1");
  EXPECT_EQ(messages[1].status, ReplyStatus::kCancelled);
  EXPECT_EQ(messages[1].finish_reason, "stop");
  EXPECT_EQ(messages[1].usage, answer.usage);
  EXPECT_EQ(messages[1].timings, answer.timings);
  EXPECT_EQ(messages[1].extra, answer.extra);
  EXPECT_TRUE(messages[0].usage.is_null());
  EXPECT_EQ(messages[2].tool_call_id, "call_1");
}

TEST_F(StoreTest, OwnersSeeNothingOfEachOther) {
  const Conversation hers = chat("alice", "hers", "the secret word", "answer");
  const std::string id = hers.id;
  const auto unseen = [](const auto& result) { return !result && result.error().kind == Kind::kNotFound; };
  EXPECT_TRUE(unseen(store_->conversation("bob", id)));
  EXPECT_TRUE(unseen(store_->messages("bob", id)));
  EXPECT_TRUE(unseen(store_->change_conversation("bob", id, {.title = "his"})));
  EXPECT_TRUE(unseen(store_->delete_conversation("bob", id)));
  EXPECT_TRUE(unseen(store_->restore_conversation("bob", id)));
  EXPECT_TRUE(unseen(store_->add_messages("bob", id, {message_of("x", "q", "user", "?")})));
  EXPECT_TRUE(unseen(store_->finish_reply("bob", id, message_of("a", "q", "assistant", "changed"))));
  EXPECT_TRUE(unseen(store_->resume_reply("bob", id, "a")));
  EXPECT_TRUE(store_->conversations("bob", {}).value().conversations.empty());
  EXPECT_TRUE(store_->folders("bob").value().empty());
  EXPECT_TRUE(store_->search("bob", "secret").value().hits.empty());
  ASSERT_TRUE(store_->put_response("alice", {.id = "resp_1", .body = {{"x", 1}}}));
  EXPECT_TRUE(unseen(store_->response("bob", "resp_1")));
  EXPECT_TRUE(unseen(store_->delete_response("bob", "resp_1")));
  // The same id is another conversation, and another response.
  ASSERT_TRUE(store_->create_conversation("bob", {.id = id, .title = "his"}));
  ASSERT_TRUE(store_->put_response("bob", {.id = "resp_1", .body = {{"x", 2}}}));
  EXPECT_EQ(store_->conversation("alice", id).value().title, "hers");
  EXPECT_EQ(store_->response("alice", "resp_1").value().body["x"], 1);
  EXPECT_TRUE(store_->messages("bob", id).value().empty());
}

TEST_F(StoreTest, PartsOfAnotherOwnersReplyAreDropped) {
  const Conversation hers = chat("alice", "hers", "q", "a");
  ASSERT_TRUE(store_->add_messages("alice", hers.id, {running_reply("r", "q")}));
  ASSERT_TRUE(store_->add_reply_parts(
      std::vector<ReplyPart>{{.owner = "bob", .conversation = hers.id, .message = "r", .content = "his"}}));
  EXPECT_EQ(store_->messages("alice", hers.id).value().back().content, "");
}

TEST_F(StoreTest, ListsPinnedFirstThenNewestPageByPage) {
  for (int i = 0; i < 7; ++i) {
    now_ms_ += i % 3;  // some at the same time
    ASSERT_TRUE(store_->create_conversation("alice", {.title = std::to_string(i), .pinned = i == 2}));
  }
  std::vector<std::string> all;
  ConversationFilter filter{.limit = 2};
  do {
    const auto page = store_->conversations("alice", filter);
    for (const std::string& title : titles(page)) all.push_back(title);
    filter.cursor = page->next;
  } while (!filter.cursor.empty());
  ASSERT_EQ(all.size(), 7u);
  EXPECT_EQ(all.front(), "2");
  EXPECT_EQ(std::set(all.begin(), all.end()).size(), 7u);
  EXPECT_EQ(all.back(), std::string("0"));
  EXPECT_EQ(store_->conversations("alice", {.cursor = "nonsense"}).error().kind, Kind::kInvalid);
  EXPECT_EQ(store_->conversations("alice", {.limit = kMostListed + 1}).error().kind, Kind::kInvalid);
}

TEST_F(StoreTest, FiltersByFolderArchiveAndDeletion) {
  ASSERT_TRUE(store_->create_conversation("alice", {.title = "w1", .folder = "work"}));
  ASSERT_TRUE(store_->create_conversation("alice", {.title = "w2", .folder = "work", .archived = true}));
  const auto gone = store_->create_conversation("alice", {.title = "gone", .folder = "work"});
  const auto loose = store_->create_conversation("alice", {.title = "loose"});
  ASSERT_TRUE(store_->delete_conversation("alice", gone->id));
  EXPECT_EQ(titles(store_->conversations("alice", {.folder = "work"})).size(), 2u);
  EXPECT_EQ(titles(store_->conversations("alice", {.folder = ""})), std::vector<std::string>{"loose"});
  EXPECT_EQ(titles(store_->conversations("alice", {.archived = true})), std::vector<std::string>{"w2"});
  EXPECT_EQ(titles(store_->conversations("alice", {.deleted = true})), std::vector<std::string>{"gone"});
  const auto folders = store_->folders("alice");
  ASSERT_EQ(folders->size(), 1u);
  EXPECT_EQ(folders->front().name, "work");
  EXPECT_EQ(folders->front().conversations, 2);
  // A change touches what it names and nothing else, the place in the list neither.
  now_ms_ += 1000;
  const auto changed = store_->change_conversation("alice", loose->id, {.title = "new", .archived = true});
  EXPECT_EQ(changed->title, "new");
  EXPECT_TRUE(changed->archived);
  EXPECT_FALSE(changed->pinned);
  EXPECT_EQ(changed->updated_ms, loose->updated_ms);
}

TEST_F(StoreTest, DeletedOnesComeBackUntilTheyArePurged) {
  const Conversation c = chat("alice", "t", "question", "answer");
  ASSERT_TRUE(store_->delete_conversation("alice", c.id));
  ASSERT_TRUE(store_->delete_conversation("alice", c.id));
  EXPECT_EQ(store_->conversation("alice", c.id).error().kind, Kind::kNotFound);
  EXPECT_TRUE(store_->search("alice", "question").value().hits.empty());
  EXPECT_EQ(store_->create_conversation("alice", {.id = c.id}).error().kind, Kind::kConflict);
  EXPECT_EQ(store_->purge(now_ms_).value(), 0);  // not before now
  ASSERT_TRUE(store_->restore_conversation("alice", c.id));
  EXPECT_EQ(store_->messages("alice", c.id).value().size(), 2u);
  EXPECT_EQ(store_->search("alice", "question").value().hits.size(), 1u);
  ASSERT_TRUE(store_->delete_conversation("alice", c.id));
  EXPECT_EQ(store_->purge(now_ms_ + 1).value(), 1);
  EXPECT_EQ(store_->restore_conversation("alice", c.id).error().kind, Kind::kNotFound);
  ASSERT_TRUE(store_->create_conversation("alice", {.id = c.id}));
}

TEST_F(StoreTest, ARestoredConversationHasTheEndOfAReplyThatItDidNotSee) {
  const auto c =
      store_->create_conversation("alice", {}, {message_of("q", "", "user", "?"), running_reply("a", "q")});
  ASSERT_TRUE(store_->delete_conversation("alice", c->id));
  ASSERT_TRUE(store_->finish_reply("alice", c->id, message_of("a", "q", "assistant", "done")));
  EXPECT_EQ(store_->conversation("alice", c->id).error().kind, Kind::kNotFound);
  ASSERT_TRUE(store_->restore_conversation("alice", c->id));
  const StoredMessage reply = store_->messages("alice", c->id)->back();
  EXPECT_EQ(reply.status, ReplyStatus::kComplete);
  EXPECT_EQ(reply.content, "done");
}

TEST_F(StoreTest, WhatComesTwiceIsThereOnce) {
  const auto c = store_->create_conversation("alice", {.id = "conv_1", .title = "first"});
  EXPECT_EQ(store_->create_conversation("alice", {.id = "conv_1", .title = "again"}).value().title, "first");
  const std::vector<StoredMessage> turn = {message_of("q", "", "user", "?"), running_reply("a", "q")};
  ASSERT_TRUE(store_->add_messages("alice", c->id, turn));
  ASSERT_TRUE(store_->add_messages("alice", c->id, turn));
  const std::vector<ReplyPart> parts = {{"alice", c->id, "a", 0, "thinking", "one"}};
  ASSERT_TRUE(store_->add_reply_parts(parts));
  ASSERT_TRUE(store_->add_reply_parts(parts));
  std::vector<StoredMessage> messages = store_->messages("alice", c->id).value();
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[1].content, "one");
  StoredMessage done = message_of("a", "q", "assistant", "one two");
  ASSERT_TRUE(store_->finish_reply("alice", c->id, done));
  ASSERT_TRUE(store_->finish_reply("alice", c->id, done));
  ASSERT_TRUE(store_->add_messages("alice", c->id, turn));  // a late retry does not begin it again
  messages = store_->messages("alice", c->id).value();
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[1].content, "one two");
  EXPECT_EQ(messages[1].status, ReplyStatus::kComplete);
  EXPECT_EQ(store_->search("alice", "one two").value().hits.size(), 1u);
  EXPECT_EQ(store_->add_messages("alice", c->id, {message_of("q", "", "user", "other")}).error().kind,
            Kind::kConflict);
}

TEST_F(StoreTest, RefusesWhatIsNoTreeAndKeepsNothingOfIt) {
  const auto c = store_->create_conversation("alice", {});
  const auto refused = [&](std::vector<StoredMessage> messages) {
    const auto added = store_->add_messages("alice", c->id, std::move(messages));
    return !added && added.error().kind == Kind::kInvalid;
  };
  EXPECT_TRUE(refused({message_of("x", "missing", "user", "")}));
  EXPECT_TRUE(refused({message_of("good", "", "user", ""), message_of("x", "later", "user", "")}));
  EXPECT_TRUE(refused({message_of("x", "x", "user", "")}));
  EXPECT_TRUE(refused({message_of("x", "", "wizard", "")}));
  EXPECT_TRUE(refused({message_of("no id", "", "user", "")}));
  StoredMessage running = message_of("x", "", "user", "");
  running.status = ReplyStatus::kRunning;
  EXPECT_TRUE(refused({running}));
  EXPECT_TRUE(store_->messages("alice", c->id).value().empty());
  EXPECT_EQ(store_->change_conversation("alice", c->id, {.active_leaf = "missing"}).error().kind,
            Kind::kInvalid);
  EXPECT_EQ(
      store_->create_conversation("alice", {.id = "conv_x"}, {message_of("a", "b", "user", "")}).error().kind,
      Kind::kInvalid);
  EXPECT_EQ(store_->conversation("alice", "conv_x").error().kind, Kind::kNotFound);
}

TEST_F(StoreTest, BranchesAreSiblings) {
  const Conversation c = chat("alice", "t", "first try", "answer");
  now_ms_ += 5;
  ASSERT_TRUE(store_->add_messages("alice", c.id, {message_of("q2", "", "user", "second try")}));
  Conversation now = store_->conversation("alice", c.id).value();
  EXPECT_EQ(now.active_leaf, "q2");
  EXPECT_EQ(now.updated_ms, now_ms_);
  now = store_->change_conversation("alice", c.id, {.active_leaf = "a"}).value();
  EXPECT_EQ(now.active_leaf, "a");
  EXPECT_EQ(store_->messages("alice", c.id).value().size(), 3u);
}

TEST_F(StoreTest, RepliesLeftRunningAreInterruptedWithWhatTheyHad) {
  const Conversation c = chat("alice", "t", "q", "a");
  ASSERT_TRUE(store_->add_messages("alice", c.id, {running_reply("r", "q")}));
  ASSERT_TRUE(store_->put_response("alice", {.id = "resp_1", .status = ReplyStatus::kRunning}));
  for (int part = 0; part < 12; ++part) {
    ASSERT_TRUE(store_->add_reply_parts(
        std::vector<ReplyPart>{{"alice", c.id, "r", part, part < 6 ? "hmm" + std::to_string(part) : "",
                                part < 6 ? "" : "gradually "}}));
  }
  EXPECT_TRUE(store_->search("alice", "gradually").value().hits.empty());
  open(FolderUse::kTool);  // a command beside a server must not end its replies
  EXPECT_EQ(store_->messages("alice", c.id).value().back().status, ReplyStatus::kRunning);
  open();
  const StoredMessage reply = store_->messages("alice", c.id).value().back();
  EXPECT_EQ(reply.status, ReplyStatus::kInterrupted);
  EXPECT_EQ(reply.thought, "hmm0hmm1hmm2hmm3hmm4hmm5");
  EXPECT_EQ(reply.content, "gradually gradually gradually gradually gradually gradually ");
  EXPECT_EQ(store_->response("alice", "resp_1").value().status, ReplyStatus::kInterrupted);
  EXPECT_EQ(store_->search("alice", "gradually").value().hits.size(), 1u);
  // It can go on from there.
  EXPECT_EQ(store_->resume_reply("alice", c.id, "r").value().thought, reply.thought);
  ASSERT_TRUE(store_->add_reply_parts(std::vector<ReplyPart>{{"alice", c.id, "r", 0, "", "and on"}}));
  EXPECT_EQ(store_->messages("alice", c.id).value().back().content, reply.content + "and on");
}

TEST_F(StoreTest, KeysAreFoundByHashUntilTheyAreRevoked) {
  const SecretHash hash{std::byte{1}};
  const SecretHash session_hash{std::byte{2}};
  ApiKey key{.name = "alice", .scopes = {.admin = true}, .requests_per_minute = 60};
  ASSERT_TRUE(store_->add_key(key, hash));
  EXPECT_EQ(store_->add_key(key, SecretHash{std::byte{9}}).error().kind, Kind::kConflict);
  EXPECT_EQ(store_->add_key({.name = "-x"}, SecretHash{std::byte{8}}).error().kind, Kind::kInvalid);
  const ApiKey found = store_->find_key(hash).value();
  EXPECT_EQ(found.name, "alice");
  EXPECT_TRUE(found.scopes.chat && found.scopes.admin);
  EXPECT_EQ(found.requests_per_minute, 60);
  EXPECT_EQ(found.tokens_per_day, std::nullopt);
  ASSERT_TRUE(store_->add_session(session_hash, {.key_name = "alice", .expires_ms = now_ms_ + 1000}));
  EXPECT_EQ(store_->find_session(session_hash).value().name, "alice");
  EXPECT_EQ(store_->find_session(hash).error().kind, Kind::kNotFound);
  now_ms_ += 1000;
  EXPECT_EQ(store_->find_session(session_hash).error().kind, Kind::kNotFound);
  now_ms_ -= 1;
  ASSERT_TRUE(store_->find_session(session_hash));
  ASSERT_TRUE(store_->revoke_key("alice"));
  EXPECT_EQ(store_->find_key(hash).error().kind, Kind::kNotFound);
  EXPECT_EQ(store_->find_session(session_hash).error().kind, Kind::kNotFound);
  EXPECT_EQ(store_->revoke_key("alice").error().kind, Kind::kNotFound);
}

TEST_F(StoreTest, KeysChangeAndTheLastOperatorStays) {
  ASSERT_TRUE(store_->add_key({.name = "olga", .scopes = {.admin = true}}, SecretHash{std::byte{1}}));
  ASSERT_TRUE(
      store_->add_key({.name = "anna", .scopes = {}, .requests_per_minute = 5}, SecretHash{std::byte{2}}));
  const ApiKey changed =
      store_->change_key("anna", {.scopes = {}, .requests_per_minute = {}, .tokens_per_day = 100}).value();
  EXPECT_EQ(changed.requests_per_minute, 5);
  EXPECT_EQ(changed.tokens_per_day, 100);
  const KeyChange no_limit{.requests_per_minute = std::optional<std::int64_t>()};
  ASSERT_TRUE(store_->change_key("anna", no_limit));
  EXPECT_EQ(store_->find_key(SecretHash{std::byte{2}}).value().requests_per_minute, std::nullopt);
  EXPECT_EQ(store_->change_key("nobody", no_limit).error().kind, Kind::kNotFound);

  const KeyChange no_operator{.scopes = Scopes{.chat = true, .admin = false}};
  EXPECT_EQ(store_->change_key("olga", no_operator, true).error().kind, Kind::kConflict);
  EXPECT_EQ(store_->revoke_key("olga", true).error().kind, Kind::kConflict);
  EXPECT_TRUE(store_->change_key("olga", {.scopes = Scopes{.chat = false, .admin = true}}, true));
  ASSERT_TRUE(store_->change_key("anna", {.scopes = Scopes{.chat = true, .admin = true}}, true));
  EXPECT_TRUE(store_->revoke_key("olga", true));
  EXPECT_EQ(store_->revoke_key("anna", true).error().kind, Kind::kConflict);
  EXPECT_TRUE(store_->revoke_key("anna"));  // at the machine itself everything may go
}

TEST(UtcDay, IsReadAsItIsWritten) {
  EXPECT_EQ(parse_utc_day("2026-01-01"), 1'767'225'600'000);
  EXPECT_EQ(parse_utc_day("2024-02-29"), 1'709'164'800'000);
  for (const char* text :
       {"", "2026", "2026-02-29", "2026-13-01", "2026-1-1", "2026-01-01x", " 2026-01-01"}) {
    EXPECT_EQ(parse_utc_day(text), std::nullopt) << text;
  }
}

TEST_F(StoreTest, UsageAddsUpByOwnerAndDay) {
  ASSERT_TRUE(store_->add_key({.name = "alice"}, SecretHash{}));
  const Usage one{1, 10, 4, 20, 15};
  ASSERT_TRUE(store_->add_usage(std::vector<DailyUsage>{
      {"alice", "2026-01-01", one}, {"bob", "2026-01-01", one}, {"alice", "2026-01-01", one}}));
  ASSERT_TRUE(store_->add_usage(std::vector<DailyUsage>{{"alice", "2026-01-03", one}}));
  const auto all = store_->usage(std::nullopt, "2026-01-01", "2026-01-02").value();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].owner, "alice");
  EXPECT_EQ(all[0].usage.requests, 2);
  EXPECT_EQ(all[0].usage.prompt_tokens, 20);
  EXPECT_EQ(all[0].usage.cached_tokens, 8);
  EXPECT_EQ(all[0].usage.completion_tokens, 40);
  EXPECT_EQ(all[0].usage.reasoning_tokens, 30);
  EXPECT_EQ(store_->usage("alice", "2026-01-01", "2026-12-31").value().size(), 2u);
  EXPECT_EQ(store_->keys().value().front().last_used_ms, now_ms_);
  EXPECT_EQ(utc_day(1'767'225'599'999), "2025-12-31");
  EXPECT_EQ(utc_day(1'767'225'600'000), "2026-01-01");
}

TEST_F(StoreTest, ResponsesExpire) {
  StoredResponse response{.id = "resp_1", .body = {{"output", "x"}}, .expires_ms = now_ms_ + 10};
  ASSERT_TRUE(store_->put_response("alice", response));
  response.body = {{"output", "xy"}};
  ASSERT_TRUE(store_->put_response("alice", response));
  EXPECT_EQ(store_->response("alice", "resp_1").value().body["output"], "xy");
  now_ms_ += 10;
  EXPECT_EQ(store_->response("alice", "resp_1").error().kind, Kind::kNotFound);
  ASSERT_TRUE(store_->purge(0));
  now_ms_ -= 10;
  EXPECT_EQ(store_->response("alice", "resp_1").error().kind, Kind::kNotFound);
}

}  // namespace
}  // namespace aloud
