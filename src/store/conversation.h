// What is stored of a conversation: a tree of messages, and how conversations are listed and searched.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aloud {

// Whether a reply is still written, or how that ended. Everything that no model writes is complete.
enum class ReplyStatus { kRunning, kComplete, kFailed, kCancelled, kInterrupted };

// "running", "complete", "failed", "cancelled", "interrupted"
std::string_view name(ReplyStatus status);
std::optional<ReplyStatus> find_reply_status(std::string_view name);

// One node of the tree. Texts are UTF-8, times are milliseconds since 1970 (UTC); JSON is null where there is
// none.
struct StoredMessage {
  std::string id;      // unique within its conversation; chosen by the client, or by random_id
  std::string parent;  // id of the message that it follows; empty: it begins the conversation
  std::string role;    // "system", "user", "assistant" or "tool"
  std::string thought;
  std::string content;
  nlohmann::ordered_json tool_calls;  // an array, as the API writes it
  std::string tool_call_id;           // of a tool's result: which call it answers
  std::string model;                  // that wrote it
  ReplyStatus status = ReplyStatus::kComplete;
  std::string finish_reason;
  nlohmann::ordered_json usage;    // tokens, as the API writes them
  nlohmann::ordered_json timings;  // milliseconds and rates, as the API writes them
  nlohmann::ordered_json extra;  // whatever a client wants to remember of it, such as names of attached files
  std::int64_t created_ms = 0;   // 0 when it is stored: now
  bool is_unsaved = false;  // the end of a reply that the store refused so far; no store gives or takes it
};

struct Conversation {
  std::string id;  // unique within its owner; chosen by the client, or by random_id
  std::string title;
  std::string folder;  // empty: in none
  bool pinned = false;
  bool archived = false;
  std::string active_leaf;          // the message that the branch shown ends with; empty while there are none
  nlohmann::ordered_json settings;  // model, effort, system prompt ... of this conversation
  std::int64_t created_ms = 0;      // 0 when it is stored: now
  std::int64_t updated_ms = 0;      // when messages were added last; 0 when it is stored: now
  std::int64_t deleted_ms = 0;      // 0: it is not deleted
};

// What is to be changed; the rest stays as it is.
struct ConversationChange {
  std::optional<std::string> title;
  std::optional<std::string> folder;
  std::optional<bool> pinned;
  std::optional<bool> archived;
  std::optional<std::string> active_leaf;
  std::optional<nlohmann::ordered_json> settings;
};

// Text of a reply that is being written, since the last part.
struct ReplyPart {
  std::string owner;
  std::string conversation;
  std::string message;
  std::int64_t number = 0;  // 0, 1, 2 ... within the reply: a part that is stored twice is there once
  std::string thought;
  std::string content;
};

inline constexpr std::int64_t kMostListed = 200;

// Which conversations: all conditions hold. Those listed are pinned ones first, then by updated_ms, newest
// first.
struct ConversationFilter {
  std::optional<std::string> folder;  // "": those in none
  std::optional<bool> archived;
  bool deleted = false;     // those that are deleted and not yet purged, and no others
  std::string cursor;       // empty: from the beginning; else `next` of the page before
  std::int64_t limit = 50;  // 1 .. kMostListed
};

struct ConversationPage {
  std::vector<Conversation> conversations;
  std::string next;  // cursor of the next page; empty: this is the last
};

struct Folder {
  std::string name;
  std::int64_t conversations = 0;
};

// A piece of an excerpt; together they are the excerpt.
struct TextPiece {
  std::string text;
  bool matches = false;  // one of the words that were looked for
};

struct MessageHit {
  std::string message;  // its id
  std::string role;
  bool in_thought = false;         // the excerpt is from the thought, not from the content
  std::vector<TextPiece> excerpt;  // about kExcerptCharacters around the first match; "…" where it was cut
};

inline constexpr std::int64_t kExcerptCharacters = 160;
inline constexpr std::size_t kHitsPerConversation = 3;
inline constexpr std::size_t kMostSearchWords = 16;

struct SearchHit {
  Conversation conversation;
  std::vector<TextPiece> title;      // all of it
  std::vector<MessageHit> messages;  // the newest kHitsPerConversation; none if only the title matches
};

struct SearchPage {
  std::vector<SearchHit> hits;
  std::string next;  // cursor of the next page; empty: this is the last
};

}  // namespace aloud
