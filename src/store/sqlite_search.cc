// Search: words of three characters or more are looked up in the index of trigrams, shorter ones in the
// texts.
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "store/search_text.h"
#include "store/sqlite_database.h"
#include "store/sqlite_rows.h"
#include "store/sqlite_tables.h"

namespace aloud {
namespace {

using Kind = StoreError::Kind;

constexpr std::size_t kIndexedCharacters = 3;  // a trigram

std::string_view text_of(sqlite3_value* value) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  return text == nullptr ? std::string_view() : std::string_view(text, sqlite3_value_bytes(value));
}

// has_words(text, words): every word of a query that search_words has folded, joined by spaces.
void has_words(sqlite3_context* context, int, sqlite3_value** values) {
  const std::u32string text = fold_case(text_of(values[0]));
  const std::vector<std::u32string> words = search_words(text_of(values[1]));
  const bool all = std::all_of(words.begin(), words.end(),
                               [&](const std::u32string& word) { return text.find(word) != text.npos; });
  sqlite3_result_int(context, all ? 1 : 0);
}

std::string utf8(std::u32string_view text) {
  std::string out;
  for (const char32_t c : text) append_utf8(c, out);
  return out;
}

struct Query {
  std::vector<std::u32string> words;
  std::string all;      // joined by spaces
  std::string indexed;  // an expression for MATCH; empty: no word is long enough
  std::string filter;   // the condition on messages, named m; its parameters are ?2 (all) and ?3 (indexed)
};

// Quoted, so that nothing in a word is an operator of the index's own language.
std::string phrase(std::string_view word) {
  std::string out = "\"";
  for (const char c : word) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

StoreResult<Query> make_query(std::string_view text) {
  Query query{.words = search_words(text)};
  if (query.words.empty()) return fail_store(Kind::kInvalid, "search: no words");
  if (query.words.size() > kMostSearchWords) {
    return fail_store(Kind::kInvalid, "search: {} words, expected at most {}", query.words.size(),
                      kMostSearchWords);
  }
  bool short_words = false;
  for (const std::u32string& word : query.words) {
    if (!query.all.empty()) query.all += " ";
    query.all += utf8(word);
    if (word.size() < kIndexedCharacters) {
      short_words = true;
    } else {
      if (!query.indexed.empty()) query.indexed += " AND ";
      query.indexed += phrase(utf8(word));
    }
  }
  query.filter = "m.status <> 'running'";
  if (!query.indexed.empty()) {
    query.filter += " AND m.number IN (SELECT rowid FROM message_index WHERE message_index MATCH ?3)";
  }
  if (short_words) query.filter += " AND has_words(m.thought || char(10) || m.content, ?2)";
  return query;
}

// From the content if it has one of the words, else from the thought.
MessageHit message_hit(const SQLite::Statement& row, const Query& query) {
  const std::string thought = text_at(row, 2);
  const std::string content = text_at(row, 3);
  const auto has_one = [&](const std::string& text) {
    return std::any_of(query.words.begin(), query.words.end(),
                       [&](const std::u32string& word) { return contains(text, word); });
  };
  const bool in_thought = !has_one(content) && has_one(thought);
  return {.message = text_at(row, 0),
          .role = text_at(row, 1),
          .in_thought = in_thought,
          .excerpt = marked_pieces(in_thought ? thought : content, query.words, kExcerptCharacters)};
}

std::vector<MessageHit> message_hits(SQLite::Database& database, std::int64_t conversation,
                                     const Query& query) {
  SQLite::Statement rows = prepare(
      database,
      "SELECT id, role, thought, content FROM messages WHERE conversation = ? AND status <> 'running' "
      "AND has_words(thought || char(10) || content, ?) ORDER BY number DESC LIMIT ?",
      conversation, query.all, kHitsPerConversation);
  std::vector<MessageHit> hits;
  while (rows.executeStep()) hits.push_back(message_hit(rows, query));
  return hits;
}

}  // namespace

void add_search_functions(SQLite::Database& database) {
  database.createFunction("has_words", 2, true, nullptr, has_words);
}

StoreResult<SearchPage> search_conversations(SQLite::Database& database, std::string_view owner,
                                             std::string_view query_text, std::string_view cursor,
                                             std::int64_t limit) {
  TRY(check_limit(limit));
  TRY_ASSIGN(const PagePosition after, parse_cursor(cursor));
  TRY_ASSIGN(const Query query, make_query(query_text));
  SQLite::Statement rows =
      prepare(database,
              fmt::format("SELECT {} FROM conversations c WHERE c.owner = ?1 AND c.deleted_ms = 0 "
                          "AND (c.updated_ms, c.id) < (?4, ?5) AND (has_words(c.title, ?2) "
                          "OR EXISTS (SELECT 1 FROM messages m WHERE m.conversation = c.number AND {})) "
                          "ORDER BY c.updated_ms DESC, c.id DESC LIMIT ?6",
                          kConversationColumns, query.filter),
              owner, query.all, query.indexed, after.updated_ms, after.id, limit + 1);
  SearchPage page;
  while (rows.executeStep()) {
    ConversationRow row = conversation_row(rows);
    if (static_cast<std::int64_t>(page.hits.size()) == limit) {
      page.next = page_cursor(page.hits.back().conversation);
      break;
    }
    std::vector<TextPiece> title = marked_pieces(row.conversation.title, query.words, 0);
    page.hits.push_back(
        {std::move(row.conversation), std::move(title), message_hits(database, row.number, query)});
  }
  return page;
}

}  // namespace aloud
