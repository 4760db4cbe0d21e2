// How conversations come out of rows, and where a page of them begins; shared by lists and searches.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "store/sqlite_tables.h"

namespace aloud {

// Of the table conversations, named c; the columns that conversation_row reads.
inline constexpr std::string_view kConversationColumns =
    "c.number, c.id, c.title, c.folder, c.pinned, c.archived, c.active_leaf, c.settings, c.created_ms, "
    "c.updated_ms, c.deleted_ms";
ConversationRow conversation_row(const SQLite::Statement& row);

// The last conversation of the page before; the next one is the first that sorts below it.
struct PagePosition {
  std::int64_t pinned = 0;
  std::int64_t updated_ms = 0;
  std::string id;
};
std::string page_cursor(const Conversation& last);
StoreResult<PagePosition> parse_cursor(std::string_view cursor);
StoreStatus check_limit(std::int64_t limit);

}  // namespace aloud
