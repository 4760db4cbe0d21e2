// Every call is one function of sqlite_tables.h: those that read run on a connection of the pool, those that
// write on the writer's thread.
#include "store/sqlite_store.h"

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/printable.h"
#include "store/sqlite_database.h"
#include "store/sqlite_schema.h"
#include "store/sqlite_tables.h"
#include "store/sqlite_writer.h"

namespace aloud {
namespace {

class SqliteStore final : public Store {
 public:
  SqliteStore(FolderLock lock, SQLite::Database database, std::string path, SqliteStoreOptions options)
      : lock_(std::move(lock)),
        path_(std::move(path)),
        vfs_(std::move(options.vfs)),
        now_ms_(options.now_ms ? std::move(options.now_ms) : unix_milliseconds),
        must_interrupt_(options.use == FolderUse::kServe),
        writer_(std::move(database), kDatabaseName) {}

  // Interrupts the replies that an earlier server left running. Where that cannot be stored now, readers are
  // told so nevertheless, and it is tried again before anything else is written.
  StoreStatus interrupt_earlier() {
    if (!must_interrupt_) return {};
    TRY(writer_.write([this](SQLite::Database& database) -> StoreStatus {
      if (!must_interrupt_) return {};  // another call was first, and replies run again
      interrupt_running(database);
      check_writable(database);
      return {};
    }));
    must_interrupt_ = false;
    return {};
  }

  StoreResult<Conversation> create_conversation(std::string_view owner, Conversation conversation,
                                                std::vector<StoredMessage> messages) override {
    return write<Conversation>([&](SQLite::Database& database) {
      return insert_conversation(database, owner, std::move(conversation), std::move(messages), now_ms_());
    });
  }
  StoreResult<Conversation> conversation(std::string_view owner, std::string_view id) override {
    return read<Conversation>([&](SQLite::Database& database) {
      return find_conversation(database, owner, id).map([](ConversationRow row) { return row.conversation; });
    });
  }
  StoreResult<ConversationPage> conversations(std::string_view owner,
                                              const ConversationFilter& filter) override {
    return read<ConversationPage>(
        [&](SQLite::Database& database) { return list_conversations(database, owner, filter); });
  }
  StoreResult<std::vector<Folder>> folders(std::string_view owner) override {
    return read<std::vector<Folder>>(
        [&](SQLite::Database& database) { return list_folders(database, owner); });
  }
  StoreResult<Conversation> change_conversation(std::string_view owner, std::string_view id,
                                                const ConversationChange& change) override {
    return write<Conversation>(
        [&](SQLite::Database& database) { return update_conversation(database, owner, id, change); });
  }
  StoreStatus delete_conversation(std::string_view owner, std::string_view id) override {
    return write<void>(
        [&](SQLite::Database& database) { return mark_deleted(database, owner, id, now_ms_()); });
  }
  StoreResult<Conversation> restore_conversation(std::string_view owner, std::string_view id) override {
    return write<Conversation>(
        [&](SQLite::Database& database) { return unmark_deleted(database, owner, id); });
  }
  StoreResult<SearchPage> search(std::string_view owner, std::string_view query, std::string_view cursor,
                                 std::int64_t limit) override {
    return read<SearchPage>([&](SQLite::Database& database) {
      return search_conversations(database, owner, query, cursor, limit);
    });
  }

  StoreResult<std::vector<StoredMessage>> messages(std::string_view owner,
                                                   std::string_view conversation) override {
    TRY_ASSIGN(std::vector<StoredMessage> messages,
               read<std::vector<StoredMessage>>(
                   [&](SQLite::Database& database) { return read_messages(database, owner, conversation); }));
    for (StoredMessage& message : messages) message.status = status_of(message.status);
    return messages;
  }
  StoreResult<std::vector<StoredMessage>> add_messages(std::string_view owner, std::string_view conversation,
                                                       std::vector<StoredMessage> messages) override {
    return write<std::vector<StoredMessage>>([&](SQLite::Database& database) {
      return insert_messages(database, owner, conversation, std::move(messages), now_ms_());
    });
  }
  StoreStatus add_reply_parts(std::span<const ReplyPart> parts) override {
    return write<void>([&](SQLite::Database& database) -> StoreStatus {
      insert_parts(database, parts);
      return {};
    });
  }
  StoreStatus finish_reply(std::string_view owner, std::string_view conversation,
                           const StoredMessage& message) override {
    return write<void>([&](SQLite::Database& database) {
      return finish_message(database, owner, conversation, message, now_ms_());
    });
  }
  StoreResult<StoredMessage> resume_reply(std::string_view owner, std::string_view conversation,
                                          std::string_view message) override {
    return write<StoredMessage>(
        [&](SQLite::Database& database) { return resume_message(database, owner, conversation, message); });
  }

  StoreStatus put_response(std::string_view owner, const StoredResponse& response) override {
    return write<void>([&](SQLite::Database& database) -> StoreStatus {
      upsert_response(database, owner, response, now_ms_());
      return {};
    });
  }
  StoreResult<StoredResponse> response(std::string_view owner, std::string_view id) override {
    TRY_ASSIGN(StoredResponse response, read<StoredResponse>([&](SQLite::Database& database) {
                 return read_response(database, owner, id, now_ms_());
               }));
    response.status = status_of(response.status);
    return response;
  }
  StoreStatus delete_response(std::string_view owner, std::string_view id) override {
    return write<void>([&](SQLite::Database& database) { return remove_response(database, owner, id); });
  }

  StoreStatus add_key(const ApiKey& key, const SecretHash& hash) override {
    return write<void>(
        [&](SQLite::Database& database) { return insert_key(database, key, hash, now_ms_()); });
  }
  StoreResult<std::vector<ApiKey>> keys() override { return read<std::vector<ApiKey>>(list_keys); }
  StoreResult<ApiKey> find_key(const SecretHash& hash) override {
    return read<ApiKey>([&](SQLite::Database& database) { return read_key(database, hash); });
  }
  StoreResult<ApiKey> change_key(std::string_view name, const KeyChange& change,
                                 bool keeps_operator) override {
    return write<ApiKey>(
        [&](SQLite::Database& database) { return update_key(database, name, change, keeps_operator); });
  }
  StoreStatus revoke_key(std::string_view name, bool keeps_operator) override {
    return write<void>(
        [&](SQLite::Database& database) { return remove_key(database, name, keeps_operator); });
  }
  StoreStatus add_session(const SecretHash& hash, const BrowserSession& session) override {
    return write<void>(
        [&](SQLite::Database& database) { return insert_session(database, hash, session, now_ms_()); });
  }
  StoreResult<ApiKey> find_session(const SecretHash& hash) override {
    return read<ApiKey>([&](SQLite::Database& database) { return read_session(database, hash, now_ms_()); });
  }
  StoreStatus delete_session(const SecretHash& hash) override {
    return write<void>([&](SQLite::Database& database) { return remove_session(database, hash); });
  }
  StoreStatus add_usage(std::span<const DailyUsage> used) override {
    return write<void>([&](SQLite::Database& database) -> StoreStatus {
      insert_usage(database, used, now_ms_());
      return {};
    });
  }
  StoreResult<std::vector<DailyUsage>> usage(std::optional<std::string_view> owner,
                                             std::string_view first_day, std::string_view last_day) override {
    return read<std::vector<DailyUsage>>(
        [&](SQLite::Database& database) { return read_usage(database, owner, first_day, last_day); });
  }

  StoreResult<std::int64_t> purge(std::int64_t deleted_before_ms) override {
    std::int64_t conversations = 0;
    for (bool is_done = false; !is_done;) {
      TRY_ASSIGN(const RemovedRows removed,
                 write<RemovedRows>([&](SQLite::Database& database) -> StoreResult<RemovedRows> {
                   return remove_some(database, deleted_before_ms, now_ms_());
                 }));
      conversations += removed.conversations;
      is_done = removed.are_all;
    }
    TRY_ASSIGN(const bool expected, read<bool>(erasure_expected));
    if (!expected) return conversations;
    for (bool is_first = true, is_done = false; !is_done; is_first = false) {
      TRY_ASSIGN(is_done, write<bool>([&](SQLite::Database& database) -> StoreResult<bool> {
                   return merge_index(database, is_first);
                 }));
    }
    TRY(writer_.write_alone(erase_traces));
    return conversations;
  }

 private:
  // Until those of an earlier server are interrupted, no reply runs.
  ReplyStatus status_of(ReplyStatus stored) const {
    return stored == ReplyStatus::kRunning && must_interrupt_ ? ReplyStatus::kInterrupted : stored;
  }

  // Calls within a transaction of the writer, and waits until that is durable. The result is that of the call
  // unless the commit fails.
  template <class Value, class Call>
  StoreResult<Value> write(Call call) {
    TRY(interrupt_earlier());
    std::optional<StoreResult<Value>> result;
    TRY(writer_.write([&](SQLite::Database& database) -> StoreStatus {
      result.emplace(call(database));
      if (!*result) return pass_error(*result);
      return {};
    }));
    return *std::move(result);
  }

  // Calls with a connection of the pool, within one transaction: what it reads is of one moment.
  template <class Value, class Call>
  StoreResult<Value> read(Call call) {
    try {
      SQLite::Database database = take_reader();
      SQLite::Transaction transaction(database);
      StoreResult<Value> result = call(database);
      transaction.commit();
      const std::lock_guard lock(mutex_);
      readers_.push_back(std::move(database));
      return result;
    } catch (const SQLite::Exception& error) {
      return tl::unexpected(store_error(error, kDatabaseName));
    }
  }

  // As many are made as there are ever calls at once; one that fails is closed.
  SQLite::Database take_reader() {
    {
      const std::lock_guard lock(mutex_);
      if (!readers_.empty()) {
        SQLite::Database database = std::move(readers_.back());
        readers_.pop_back();
        return database;
      }
    }
    SQLite::Database database = open_database(path_, DatabaseUse::kRead, vfs_);
    add_search_functions(database);
    return database;
  }

  FolderLock lock_;
  const std::string path_;
  const std::string vfs_;
  const std::function<std::int64_t()> now_ms_;
  std::atomic<bool> must_interrupt_;
  std::mutex mutex_;
  std::vector<SQLite::Database> readers_;
  SqliteWriter writer_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(SqliteStoreOptions options) {
  CHECK(options.use != FolderUse::kReplace);
  const std::string path = options.folder + "/" + kDatabaseName;
  TRY(make_private_folder(options.folder));
  TRY_ASSIGN(FolderLock lock, FolderLock::take(options.folder, options.use));
  TRY(make_private_file(path));
  TRY(sync_to_disk(options.folder));
  try {
    SQLite::Database database = open_database(path, DatabaseUse::kWrite, options.vfs);
    if (const Result<int> version = schema_version(database); !version) {
      return fail("{}: {}", printable(path), version.error().message);
    }
    database.exec("PRAGMA journal_mode = WAL");
    migrate(database);
    const auto on_refusal = std::move(options.on_refusal);
    auto store =
        std::make_unique<SqliteStore>(std::move(lock), std::move(database), path, std::move(options));
    if (const StoreStatus status = store->interrupt_earlier(); !status && on_refusal) {
      on_refusal(status.error());
    }
    return store;
  } catch (const SQLite::Exception& error) {
    return fail("{}", store_error(error, path).message);
  }
}

}  // namespace aloud
